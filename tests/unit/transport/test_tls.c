#include "net.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/hex.h"
#include "transport/internal.h"

#define NAME LP_DEV_SERVER_NAME

static struct lp_tls_identity identity, other;

static int set_up(void **state)
{
    (void)state;
    assert_int_equal(lp_tls_identity_generate(NAME, (int64_t)time(NULL) - 3600, &identity), 0);
    assert_int_equal(lp_tls_identity_generate("192.0.2.9", (int64_t)time(NULL) - 3600, &other),
                     0);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    lp_tls_identity_deinit(&identity);
    lp_tls_identity_deinit(&other);
    return 0;
}

static struct lp_tls *server_with(const struct lp_tls_identity *id)
{
    char why[LP_TLS_WHY_LEN];
    struct lp_tls *tls = NULL;

    assert_int_equal(lp_tls_server_new(id->cert_pem, id->cert_pem_len, id->key_pem,
                                       id->key_pem_len, &tls, why),
                     0);
    return tls;
}

static struct lp_tls *client_with(const struct lp_tls_client_config *config)
{
    char why[LP_TLS_WHY_LEN];
    struct lp_tls *tls = NULL;

    assert_int_equal(lp_tls_client_new(config, &tls, why), 0);
    return tls;
}

static struct lp_tls_client_config by_certificate(const struct lp_tls_identity *id,
                                                  const char *name)
{
    return (struct lp_tls_client_config){.trust = LP_TLS_TRUST_CERTIFICATE,
                                         .ca_der = id->cert_der,
                                         .ca_der_len = id->cert_der_len,
                                         .server_name = name};
}

static struct net *net_with(const struct lp_tls_identity *id,
                            const struct lp_tls_client_config *config)
{
    struct net *net = net_new();

    net->server_tls = server_with(id);
    net->client_tls = client_with(config);
    net_open_server(net);
    net_open_client(net);
    return net;
}

static void expect_trusted(const struct lp_tls_identity *id,
                           const struct lp_tls_client_config *config)
{
    struct net *net = net_with(id, config);

    net_handshake(net);
    assert_int_equal(net->client.closed, 0);
    net_free(net);
}

/* The client's sentence holds `client`, the server's is `server`. */
static void expect_refused(const struct lp_tls_identity *id,
                           const struct lp_tls_client_config *config, const char *client,
                           const char *server)
{
    struct net *net = net_with(id, config);

    net_connect(net);
    net_run(net, LP_NS_PER_S);
    assert_int_equal(net->client.connected, 0);
    assert_int_equal(net->server.accepted, 0);
    assert_int_equal(net->client.closed, 1);
    assert_int_equal(net->client.info.kind, LP_QUIC_CLOSE_TLS);
    assert_true(net->client.info.heard);
    assert_non_null(strstr(net->client.info.reason, client));
    assert_int_equal(net->server.closed, 1);
    assert_int_equal(net->server.info.kind, LP_QUIC_CLOSE_TLS);
    assert_string_equal(net->server.info.reason, server);
    net_free(net);
}

static void identity_has_all_forms(void **state)
{
    uint8_t *der = NULL;
    size_t der_len = 0;
    uint8_t a[LP_TLS_FINGERPRINT_LEN], b[LP_TLS_FINGERPRINT_LEN];
    struct lp_tls_identity bad;
    char name[300];

    (void)state;
    assert_int_equal(
        lp_tls_pem_to_der(identity.cert_pem, identity.cert_pem_len, &der, &der_len), 0);
    assert_int_equal(der_len, identity.cert_der_len);
    assert_memory_equal(der, identity.cert_der, der_len);
    assert_int_equal(lp_tls_fingerprint(der, der_len, a), 0);
    assert_int_equal(lp_tls_fingerprint(other.cert_der, other.cert_der_len, b), 0);
    assert_memory_not_equal(a, b, sizeof a);
    free(der);
    assert_int_equal(lp_tls_pem_to_der((const uint8_t *)"no", 2, &der, &der_len), LP_ERR_TLS);
    assert_int_equal(lp_tls_identity_generate("", 0, &bad), LP_ERR_INVALID);
    memset(name, 'a', sizeof name);
    name[256] = '\0';
    assert_int_equal(lp_tls_identity_generate(name, 0, &bad), LP_ERR_INVALID);
    name[255] = '\0';
    assert_int_equal(lp_tls_identity_generate(name, 0, &bad), 0);
    lp_tls_identity_deinit(&bad);
}

static void fingerprint_is_sha256(void **state)
{
    uint8_t is[LP_TLS_FINGERPRINT_LEN], wanted[LP_TLS_FINGERPRINT_LEN];
    const char *abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    (void)state;
    assert_int_equal(lp_hex_decode(abc, strlen(abc), wanted), 0);
    assert_int_equal(lp_tls_fingerprint((const uint8_t *)"abc", 3, is), 0);
    assert_memory_equal(is, wanted, sizeof is);
}

static void name_cannot_inject_another(void **state)
{
    struct lp_tls_identity id;
    struct lp_tls_client_config config;

    (void)state;
    assert_int_equal(
        lp_tls_identity_generate("a.example,DNS:b.example", (int64_t)time(NULL) - 60, &id), 0);
    config = by_certificate(&id, "b.example");
    expect_refused(&id, &config, "certificate is for another name than b.example",
                   "peer refused our certificate: bad_certificate");
    lp_tls_identity_deinit(&id);
}

static void bad_server_files_say_why(void **state)
{
    char why[LP_TLS_WHY_LEN];
    struct lp_tls *tls = NULL;

    (void)state;
    assert_int_equal(lp_tls_server_new((const uint8_t *)"x", 1, identity.key_pem,
                                       identity.key_pem_len, &tls, why),
                     LP_ERR_TLS);
    assert_non_null(strstr(why, "no certificate in the PEM file"));
    assert_int_equal(lp_tls_server_new(identity.cert_pem, identity.cert_pem_len,
                                       (const uint8_t *)"x", 1, &tls, why),
                     LP_ERR_TLS);
    assert_non_null(strstr(why, "no usable private key"));
    assert_int_equal(lp_tls_server_new(identity.cert_pem, identity.cert_pem_len, other.key_pem,
                                       other.key_pem_len, &tls, why),
                     LP_ERR_TLS);
    assert_string_equal(why, "the private key does not belong to the certificate");
    assert_null(tls);
}

/* A chain that ends in rubbish is refused, not cut off in silence. */
static void damaged_chain_says_why(void **state)
{
    static const char damaged[] =
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    size_t len = identity.cert_pem_len + sizeof(damaged) - 1;
    uint8_t *chain = malloc(len);
    char why[LP_TLS_WHY_LEN];
    struct lp_tls *tls = NULL;

    (void)state;
    assert_non_null(chain);
    memcpy(chain, identity.cert_pem, identity.cert_pem_len);
    memcpy(chain + identity.cert_pem_len, damaged, sizeof(damaged) - 1);
    assert_int_equal(
        lp_tls_server_new(chain, len, identity.key_pem, identity.key_pem_len, &tls, why),
        LP_ERR_TLS);
    assert_non_null(strstr(why, "damaged certificate in the chain"));
    free(chain);
}

static void bad_client_configurations_say_why(void **state)
{
    struct lp_tls_client_config config = {.trust = LP_TLS_TRUST_SYSTEM};
    char why[LP_TLS_WHY_LEN];
    struct lp_tls *tls = NULL;

    (void)state;
    assert_int_equal(lp_tls_client_new(&config, &tls, why), LP_ERR_CONFIG);
    assert_non_null(strstr(why, "name"));
    config = by_certificate(&identity, NAME);
    config.ca_der_len--;
    assert_int_equal(lp_tls_client_new(&config, &tls, why), LP_ERR_TLS);
    assert_string_equal(why, "the trusted certificate is not a DER certificate");
    assert_null(tls);
}

static void certificate_is_trusted(void **state)
{
    struct lp_tls_client_config config = by_certificate(&identity, NAME);

    (void)state;
    expect_trusted(&identity, &config);
    config = by_certificate(&other, "192.0.2.9");
    expect_trusted(&other, &config);
}

static void other_certificate_is_not(void **state)
{
    struct lp_tls_client_config config = by_certificate(&other, NAME);

    (void)state;
    expect_refused(&identity, &config, "certificate not trusted: self-signed certificate",
                   "peer refused our certificate: unknown_ca");
}

static void wrong_name_is_told(void **state)
{
    struct lp_tls_client_config config = by_certificate(&identity, "relay.example");

    (void)state;
    expect_refused(&identity, &config, "certificate is for another name than relay.example",
                   "peer refused our certificate: bad_certificate");
    config = by_certificate(&other, "192.0.2.8");
    expect_refused(&other, &config, "certificate is for another name than 192.0.2.8",
                   "peer refused our certificate: bad_certificate");
}

static void system_refuses_self_signed(void **state)
{
    struct lp_tls_client_config config = {.trust = LP_TLS_TRUST_SYSTEM, .server_name = NAME};

    (void)state;
    expect_refused(&identity, &config, "certificate not trusted: self-signed certificate",
                   "peer refused our certificate: unknown_ca");
}

static void expired_is_told_but_pin_does_not_mind(void **state)
{
    struct lp_tls_identity old;
    struct lp_tls_client_config config;

    (void)state;
    assert_int_equal(lp_tls_identity_generate(NAME, 86400, &old), 0);
    config = by_certificate(&old, NAME);
    expect_refused(&old, &config, "certificate not trusted: certificate has expired",
                   "peer refused our certificate: certificate_expired");
    config = (struct lp_tls_client_config){.trust = LP_TLS_TRUST_PIN};
    assert_int_equal(lp_tls_fingerprint(old.cert_der, old.cert_der_len, config.pin), 0);
    expect_trusted(&old, &config);
    lp_tls_identity_deinit(&old);
}

static void pin_is_checked(void **state)
{
    struct lp_tls_client_config config = {.trust = LP_TLS_TRUST_PIN,
                                          .server_name = "any.example"};
    char is[65], wanted[65], sentence[256];
    uint8_t fingerprint[LP_TLS_FINGERPRINT_LEN];

    (void)state;
    assert_int_equal(lp_tls_fingerprint(identity.cert_der, identity.cert_der_len, fingerprint),
                     0);
    memcpy(config.pin, fingerprint, sizeof fingerprint);
    expect_trusted(&identity, &config);
    config.pin[31] ^= 1;
    snprintf(sentence, sizeof sentence, "certificate fingerprint is %s, expected %s",
             lp_hex_encode(fingerprint, 32, is), lp_hex_encode(config.pin, 32, wanted));
    expect_refused(&identity, &config, sentence,
                   "peer refused our certificate: bad_certificate");
}

static void alpn_mismatch_is_told(void **state)
{
    struct lp_tls_client_config config = by_certificate(&identity, NAME);
    struct net *net = net_with(&identity, &config);

    (void)state;
    assert_int_equal(SSL_CTX_set_alpn_protos(net->client_tls->ctx, (const uint8_t *)"\2h3", 3),
                     0);
    net_connect(net);
    net_run(net, LP_NS_PER_S);
    assert_int_equal(net->client.info.kind, LP_QUIC_CLOSE_TLS);
    assert_string_equal(net->client.info.reason,
                        "peer does not speak lanparty-l2/1: no_application_protocol");
    assert_int_equal(net->server.info.kind, LP_QUIC_CLOSE_TLS);
    assert_string_equal(net->server.info.reason,
                        "peer does not speak lanparty-l2/1: no_application_protocol");
    net_free(net);
}

static void no_alpn_at_all_is_refused(void **state)
{
    struct lp_tls_client_config config = by_certificate(&identity, NAME);
    struct net *net = net_with(&identity, &config);

    (void)state;
    assert_int_equal(SSL_CTX_set_alpn_protos(net->client_tls->ctx, NULL, 0), 0);
    net_connect(net);
    net_run(net, LP_NS_PER_S);
    assert_int_equal(net->client.connected, 0);
    assert_int_equal(net->server.accepted, 0);
    assert_int_equal(net->client.info.kind, LP_QUIC_CLOSE_TLS);
    net_free(net);
}

static void reload_keeps_live_and_serves_new(void **state)
{
    struct lp_tls_client_config config = by_certificate(&identity, NAME);
    struct net *net = net_with(&identity, &config);
    char why[LP_TLS_WHY_LEN];

    (void)state;
    net_handshake(net);
    assert_int_equal(lp_tls_server_reload(net->server_tls, other.cert_pem, other.cert_pem_len,
                                          identity.key_pem, identity.key_pem_len, why),
                     LP_ERR_TLS);
    net_open_client(net);
    net_connect(net);
    net_run(net, LP_NS_PER_S);
    assert_int_equal(net->client.connected, 2); /* the old pair is in force */
    assert_int_equal(lp_tls_server_reload(net->server_tls, other.cert_pem, other.cert_pem_len,
                                          other.key_pem, other.key_pem_len, why),
                     0);
    net_run(net, LP_NS_PER_S);
    assert_int_equal(net->client.closed, 0);
    net_connect(net);
    net_run(net, LP_NS_PER_S);
    assert_int_equal(net->client.closed, 1);
    assert_int_equal(net->client.info.kind, LP_QUIC_CLOSE_TLS);
    net_free(net);
}

static void negotiates_the_cheap_ciphers(void **state)
{
    struct lp_tls_client_config config = by_certificate(&identity, NAME);
    struct net *net = net_with(&identity, &config);

    (void)state;
    net_handshake(net);
    assert_string_equal(SSL_get_cipher_name(net->client.conn->tls.ssl),
                        "TLS_AES_128_GCM_SHA256");
    assert_string_equal(SSL_get0_group_name(net->client.conn->tls.ssl), "x25519");
    net_free(net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(identity_has_all_forms),
        cmocka_unit_test(fingerprint_is_sha256),
        cmocka_unit_test(name_cannot_inject_another),
        cmocka_unit_test(bad_server_files_say_why),
        cmocka_unit_test(damaged_chain_says_why),
        cmocka_unit_test(bad_client_configurations_say_why),
        cmocka_unit_test(certificate_is_trusted),
        cmocka_unit_test(other_certificate_is_not),
        cmocka_unit_test(wrong_name_is_told),
        cmocka_unit_test(system_refuses_self_signed),
        cmocka_unit_test(expired_is_told_but_pin_does_not_mind),
        cmocka_unit_test(pin_is_checked),
        cmocka_unit_test(alpn_mismatch_is_told),
        cmocka_unit_test(no_alpn_at_all_is_refused),
        cmocka_unit_test(reload_keeps_live_and_serves_new),
        cmocka_unit_test(negotiates_the_cheap_ciphers),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
