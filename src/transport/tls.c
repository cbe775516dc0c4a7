#include "transport/internal.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/addr.h"
#include "base/attr.h"
#include "base/err.h"
#include "base/hex.h"

#define CIPHERS "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256"
#define GROUPS  "X25519:P-256:P-384"

static const uint8_t alpn[] = "\x0d" LP_ALPN;
#define ALPN_LEN (sizeof alpn - 1)

/* The alerts of RFC 8446 6 that a QUIC handshake can meet. */
#define ALERT_TABLE(X)                                                                         \
    X(40, "handshake_failure", false)                                                          \
    X(42, "bad_certificate", true)                                                             \
    X(43, "unsupported_certificate", true)                                                     \
    X(44, "certificate_revoked", true)                                                         \
    X(45, "certificate_expired", true)                                                         \
    X(46, "certificate_unknown", true)                                                         \
    X(47, "illegal_parameter", false)                                                          \
    X(48, "unknown_ca", true)                                                                  \
    X(49, "access_denied", false)                                                              \
    X(50, "decode_error", false)                                                               \
    X(51, "decrypt_error", false)                                                              \
    X(70, "protocol_version", false)                                                           \
    X(71, "insufficient_security", false)                                                      \
    X(80, "internal_error", false)                                                             \
    X(109, "missing_extension", false)                                                         \
    X(110, "unsupported_extension", false)                                                     \
    X(112, "unrecognized_name", false)                                                         \
    X(116, "certificate_required", true)                                                       \
    X(120, "no_application_protocol", false)

const char *lp_tls_alert_name(unsigned alert)
{
    switch (alert) {
#define X(number, name, certificate)                                                           \
    case number:                                                                               \
        return name;
        ALERT_TABLE(X)
#undef X
    default:
        return NULL;
    }
}

bool lp_tls_alert_is_certificate(unsigned alert)
{
    switch (alert) {
#define X(number, name, certificate)                                                           \
    case number:                                                                               \
        return certificate;
        ALERT_TABLE(X)
#undef X
    default:
        return false;
    }
}

static void say(char why[LP_TLS_WHY_LEN], const char *format, ...) LP_PRINTF(2, 3);

static void say(char why[LP_TLS_WHY_LEN], const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(why, LP_TLS_WHY_LEN, format, args);
    va_end(args);
    ERR_clear_error();
}

static const char *openssl_error(void)
{
    const char *text = ERR_reason_error_string(ERR_peek_last_error());

    return text != NULL ? text : "unknown reason";
}

static void fetch_algorithms(void)
{
    ngtcp2_crypto_ossl_init();
}

/* The library keeps what it fetches in variables of its own and leaks them when asked twice. */
static void prepare_once(void)
{
    static CRYPTO_ONCE once = CRYPTO_ONCE_STATIC_INIT;

    CRYPTO_THREAD_run_once(&once, fetch_algorithms);
}

static SSL_CTX *context_new(const SSL_METHOD *method)
{
    SSL_CTX *ctx = SSL_CTX_new(method);

    if (ctx == NULL)
        return NULL;
    SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    if (SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION) != 1 ||
        SSL_CTX_set_max_proto_version(ctx, TLS1_3_VERSION) != 1 ||
        SSL_CTX_set_num_tickets(ctx, 0) != 1 || SSL_CTX_set_ciphersuites(ctx, CIPHERS) != 1 ||
        SSL_CTX_set1_groups_list(ctx, GROUPS) != 1) {
        SSL_CTX_free(ctx);
        return NULL;
    }
    return ctx;
}

/* ---- server ---- */

static int select_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_len,
                       const unsigned char *in, unsigned in_len, void *user)
{
    (void)ssl;
    (void)user;
    for (unsigned at = 0; at < in_len; at += 1U + in[at]) {
        if (in_len - at >= ALPN_LEN && memcmp(in + at, alpn, ALPN_LEN) == 0) {
            *out = alpn + 1;
            *out_len = alpn[0];
            return SSL_TLSEXT_ERR_OK;
        }
    }
    return SSL_TLSEXT_ERR_ALERT_FATAL;
}

/* Without it OpenSSL would ask at the terminal. */
static int no_password(char *buffer, int size, int writing, void *user)
{
    (void)buffer;
    (void)size;
    (void)writing;
    (void)user;
    return -1;
}

static int use_chain(SSL_CTX *ctx, const uint8_t *pem, size_t pem_len, char why[LP_TLS_WHY_LEN])
{
    BIO *bio = pem_len <= INT32_MAX ? BIO_new_mem_buf(pem, (int)pem_len) : NULL;
    X509 *cert;
    int err = 0;

    if (bio == NULL)
        return LP_ERR_NOMEM;
    cert = PEM_read_bio_X509_AUX(bio, NULL, no_password, NULL);
    if (cert == NULL) {
        say(why, "no certificate in the PEM file: %s", openssl_error());
        err = LP_ERR_TLS;
    } else if (SSL_CTX_use_certificate(ctx, cert) != 1) {
        say(why, "certificate cannot be used: %s", openssl_error());
        err = LP_ERR_TLS;
    }
    X509_free(cert);
    while (err == 0 && (cert = PEM_read_bio_X509(bio, NULL, no_password, NULL)) != NULL) {
        if (SSL_CTX_add0_chain_cert(ctx, cert) != 1) {
            X509_free(cert);
            say(why, "certificate chain cannot be used: %s", openssl_error());
            err = LP_ERR_TLS;
        }
    }
    BIO_free(bio);
    if (err == 0 && ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE) {
        say(why, "damaged certificate in the chain: %s", openssl_error());
        err = LP_ERR_TLS;
    }
    ERR_clear_error(); /* the end of the file is one */
    return err;
}

static int use_key(SSL_CTX *ctx, const uint8_t *pem, size_t pem_len, char why[LP_TLS_WHY_LEN])
{
    BIO *bio = pem_len <= INT32_MAX ? BIO_new_mem_buf(pem, (int)pem_len) : NULL;
    EVP_PKEY *key;
    int err = 0;

    if (bio == NULL)
        return LP_ERR_NOMEM;
    key = PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL);
    BIO_free(bio);
    if (key == NULL) {
        say(why, "no usable private key in the PEM file (it must not be encrypted): %s",
            openssl_error());
        return LP_ERR_TLS;
    }
    if (X509_check_private_key(SSL_CTX_get0_certificate(ctx), key) != 1) {
        say(why, "the private key does not belong to the certificate");
        err = LP_ERR_TLS;
    } else if (SSL_CTX_use_PrivateKey(ctx, key) != 1) {
        say(why, "private key cannot be used: %s", openssl_error());
        err = LP_ERR_TLS;
    }
    EVP_PKEY_free(key);
    return err;
}

static int server_context(const uint8_t *cert_pem, size_t cert_pem_len, const uint8_t *key_pem,
                          size_t key_pem_len, SSL_CTX **ret_ctx, char why[LP_TLS_WHY_LEN])
{
    SSL_CTX *ctx = context_new(TLS_server_method());
    int err;

    if (ctx == NULL) {
        say(why, "TLS set-up: %s", openssl_error());
        return LP_ERR_TLS;
    }
    SSL_CTX_set_options(ctx, SSL_OP_CIPHER_SERVER_PREFERENCE);
    SSL_CTX_set_alpn_select_cb(ctx, select_alpn, NULL);
    err = use_chain(ctx, cert_pem, cert_pem_len, why);
    if (err == 0)
        err = use_key(ctx, key_pem, key_pem_len, why);
    if (err < 0) {
        SSL_CTX_free(ctx);
        return err;
    }
    *ret_ctx = ctx;
    return 0;
}

int lp_tls_server_new(const uint8_t *cert_pem, size_t cert_pem_len, const uint8_t *key_pem,
                      size_t key_pem_len, struct lp_tls **ret_tls, char why[LP_TLS_WHY_LEN])
{
    struct lp_tls *tls = calloc(1, sizeof *tls);
    int err;

    say(why, "out of memory");
    if (tls == NULL)
        return LP_ERR_NOMEM;
    prepare_once();
    tls->refs = 1;
    tls->server = true;
    err = server_context(cert_pem, cert_pem_len, key_pem, key_pem_len, &tls->ctx, why);
    if (err < 0) {
        lp_tls_free(tls);
        return err;
    }
    *ret_tls = tls;
    return 0;
}

/* A context of its own and a swap: connections in a handshake keep the old pair to its end. */
int lp_tls_server_reload(struct lp_tls *tls, const uint8_t *cert_pem, size_t cert_pem_len,
                         const uint8_t *key_pem, size_t key_pem_len, char why[LP_TLS_WHY_LEN])
{
    SSL_CTX *ctx;
    int err;

    assert(tls->server);
    say(why, "out of memory");
    err = server_context(cert_pem, cert_pem_len, key_pem, key_pem_len, &ctx, why);
    if (err < 0)
        return err;
    SSL_CTX_free(tls->ctx);
    tls->ctx = ctx;
    return 0;
}

/* ---- client ---- */

static bool pin_matches(const struct lp_tls *tls, X509 *cert, char why[LP_TLS_WHY_LEN])
{
    uint8_t digest[EVP_MAX_MD_SIZE];
    unsigned digest_len = 0;
    char is[2 * LP_TLS_FINGERPRINT_LEN + 1];
    char wanted[2 * LP_TLS_FINGERPRINT_LEN + 1];

    if (cert == NULL || X509_digest(cert, EVP_sha256(), digest, &digest_len) != 1) {
        say(why, "certificate has no fingerprint");
        return false;
    }
    if (digest_len == LP_TLS_FINGERPRINT_LEN && memcmp(digest, tls->pin, digest_len) == 0)
        return true;
    say(why, "certificate fingerprint is %s, expected %s",
        lp_hex_encode(digest, LP_TLS_FINGERPRINT_LEN, is),
        lp_hex_encode(tls->pin, LP_TLS_FINGERPRINT_LEN, wanted));
    return false;
}

static int verify(X509_STORE_CTX *store, void *user)
{
    SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
    /* ref is the first member */
    struct lp_tls_session *session = SSL_get_app_data(ssl);
    const struct lp_tls *tls = session->tls;
    int error;

    (void)user;
    if (tls->trust == LP_TLS_TRUST_PIN) {
        if (pin_matches(tls, X509_STORE_CTX_get0_cert(store), session->why))
            return 1;
        X509_STORE_CTX_set_error(store, X509_V_ERR_CERT_REJECTED);
        return 0;
    }
    if (X509_verify_cert(store) == 1)
        return 1;
    error = X509_STORE_CTX_get_error(store);
    if (error == X509_V_ERR_HOSTNAME_MISMATCH || error == X509_V_ERR_IP_ADDRESS_MISMATCH)
        say(session->why, "certificate is for another name than %s", tls->name);
    else
        say(session->why, "certificate not trusted: %s", X509_verify_cert_error_string(error));
    return 0;
}

static int trust_certificate(SSL_CTX *ctx, const uint8_t *der, size_t der_len,
                             char why[LP_TLS_WHY_LEN])
{
    const unsigned char *at = der;
    X509 *cert = der_len <= INT32_MAX ? d2i_X509(NULL, &at, (long)der_len) : NULL;
    X509_STORE *store = SSL_CTX_get_cert_store(ctx);
    int added;

    if (cert == NULL || at != der + der_len) {
        X509_free(cert);
        say(why, "the trusted certificate is not a DER certificate");
        return LP_ERR_TLS;
    }
    added = X509_STORE_add_cert(store, cert);
    X509_free(cert);
    /* The given certificate is the end of the chain, whether it signed itself or not. */
    if (added != 1 || X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN) != 1) {
        say(why, "the trusted certificate cannot be used: %s", openssl_error());
        return LP_ERR_TLS;
    }
    return 0;
}

static int set_name(struct lp_tls *tls, const char *name, char why[LP_TLS_WHY_LEN])
{
    X509_VERIFY_PARAM *param = SSL_CTX_get0_param(tls->ctx);
    struct lp_addr addr;

    if (name == NULL || name[0] == '\0') {
        if (tls->trust == LP_TLS_TRUST_PIN)
            return 0;
        say(why, "without a pin the relay's name must be known");
        return LP_ERR_CONFIG;
    }
    if (strlen(name) > LP_QUIC_SERVER_NAME_MAX) {
        say(why, "the server name is too long");
        return LP_ERR_CONFIG;
    }
    snprintf(tls->name, sizeof tls->name, "%s", name);
    tls->name_is_ip = lp_addr_parse_ip(name, 0, &addr) == 0;
    if (tls->trust == LP_TLS_TRUST_PIN)
        return 0;
    X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    if (tls->name_is_ip ? X509_VERIFY_PARAM_set1_ip(param, addr.ip,
                                                    addr.family == LP_ADDR_IPV4 ? 4 : 16) != 1
                        : X509_VERIFY_PARAM_set1_host(param, name, 0) != 1) {
        say(why, "the server name cannot be used: %s", openssl_error());
        return LP_ERR_CONFIG;
    }
    return 0;
}

static int client_set_up(struct lp_tls *tls, const struct lp_tls_client_config *config,
                         char why[LP_TLS_WHY_LEN])
{
    tls->ctx = context_new(TLS_client_method());
    if (tls->ctx == NULL || SSL_CTX_set_alpn_protos(tls->ctx, alpn, ALPN_LEN) != 0) {
        say(why, "TLS set-up: %s", openssl_error());
        return LP_ERR_TLS;
    }
    SSL_CTX_set_verify(tls->ctx, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_cert_verify_callback(tls->ctx, verify, NULL);
    tls->trust = config->trust;
    memcpy(tls->pin, config->pin, sizeof tls->pin);
    if (tls->trust == LP_TLS_TRUST_SYSTEM && SSL_CTX_set_default_verify_paths(tls->ctx) != 1) {
        say(why, "the system's certificate store cannot be read: %s", openssl_error());
        return LP_ERR_TLS;
    }
    if (tls->trust == LP_TLS_TRUST_CERTIFICATE) {
        int err = trust_certificate(tls->ctx, config->ca_der, config->ca_der_len, why);

        if (err < 0)
            return err;
    }
    return set_name(tls, config->server_name, why);
}

int lp_tls_client_new(const struct lp_tls_client_config *config, struct lp_tls **ret_tls,
                      char why[LP_TLS_WHY_LEN])
{
    struct lp_tls *tls = calloc(1, sizeof *tls);
    int err;

    say(why, "out of memory");
    if (tls == NULL)
        return LP_ERR_NOMEM;
    prepare_once();
    tls->refs = 1;
    err = client_set_up(tls, config, why);
    if (err < 0) {
        lp_tls_free(tls);
        return err;
    }
    *ret_tls = tls;
    return 0;
}

void lp_tls_free(struct lp_tls *tls)
{
    if (tls == NULL || --tls->refs > 0)
        return;
    SSL_CTX_free(tls->ctx);
    free(tls);
}

/* ---- sessions ---- */

static int session_set_up(struct lp_tls_session *session)
{
    SSL *ssl = session->ssl;
    const struct lp_tls *tls = session->tls;

    ngtcp2_crypto_ossl_ctx_set_ssl(session->ossl, ssl);
    SSL_set_app_data(ssl, &session->ref);
    if (tls->server) {
        SSL_set_accept_state(ssl);
        return ngtcp2_crypto_ossl_configure_server_session(ssl);
    }
    SSL_set_connect_state(ssl);
    if (tls->name[0] != '\0' && !tls->name_is_ip &&
        SSL_set_tlsext_host_name(ssl, tls->name) != 1)
        return -1;
    return ngtcp2_crypto_ossl_configure_client_session(ssl);
}

int lp_tls_session_init(struct lp_tls_session *session, struct lp_tls *tls,
                        ngtcp2_crypto_get_conn get_conn, void *user)
{
    memset(session, 0, sizeof *session);
    session->ref.get_conn = get_conn;
    session->ref.user_data = user;
    session->tls = tls;
    tls->refs++;
    session->ssl = SSL_new(tls->ctx);
    if (session->ssl == NULL || ngtcp2_crypto_ossl_ctx_new(&session->ossl, NULL) != 0 ||
        session_set_up(session) != 0) {
        ERR_clear_error();
        lp_tls_session_deinit(session);
        return LP_ERR_TLS;
    }
    return 0;
}

void lp_tls_session_deinit(struct lp_tls_session *session)
{
    if (session->tls == NULL)
        return;
    if (session->ssl != NULL)
        SSL_set_app_data(session->ssl, NULL); /* the connection may be gone before it */
    SSL_free(session->ssl);
    ngtcp2_crypto_ossl_ctx_del(session->ossl);
    lp_tls_free(session->tls);
    memset(session, 0, sizeof *session);
}

bool lp_tls_session_alpn_ok(const struct lp_tls_session *session)
{
    const unsigned char *chosen;
    unsigned len;

    SSL_get0_alpn_selected(session->ssl, &chosen, &len);
    return len == alpn[0] && memcmp(chosen, alpn + 1, len) == 0;
}
