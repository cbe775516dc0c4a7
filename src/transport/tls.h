/*
 * TLS 1.3 contexts for QUIC: a relay's certificate, a peer's trust. Wraps OpenSSL; nothing else
 * in the program includes its headers but this folder. Reads no files: callers hand in PEM and
 * DER bytes.
 *
 * Cipher order AES-128-GCM, AES-256-GCM, ChaCha20-Poly1305; no tickets, no 0-RTT (a hello in
 * 0-RTT could be replayed). Key exchange X25519 first, so that a ClientHello stays in one
 * packet. Sources: RFC 8446, RFC 9001, OpenSSL 3.5 manual.
 *
 * Ownership: a context is made by _new and freed by _free (NULL is fine); connections keep
 * their own reference. Functions that fail write a sentence for a person to `why`.
 */
#ifndef LP_TRANSPORT_TLS_H
#define LP_TRANSPORT_TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LP_TLS_WHY_LEN         256
#define LP_TLS_FINGERPRINT_LEN 32 /* SHA-256 of the DER certificate */
#define LP_ALPN                "lanparty-l2/1"
#define LP_DEV_SERVER_NAME     "lanparty-relay.local"

struct lp_tls;

/* A certificate and key of our own making, for development and small parties. */
struct lp_tls_identity {
    uint8_t *cert_pem;
    size_t cert_pem_len;
    uint8_t *key_pem;
    size_t key_pem_len;
    uint8_t *cert_der;
    size_t cert_der_len;
};

/*
 * Self-signed ECDSA P-256 certificate for `name` (SAN), valid for ten years from `unix_time_s`.
 */
int lp_tls_identity_generate(const char *name, int64_t unix_time_s,
                             struct lp_tls_identity *ret_identity);
void lp_tls_identity_deinit(struct lp_tls_identity *identity);

/* The first certificate of a PEM file as DER; free() it. */
int lp_tls_pem_to_der(const uint8_t *pem, size_t pem_len, uint8_t **ret_der,
                      size_t *ret_der_len);

/* SHA-256 of DER bytes. */
int lp_tls_fingerprint(const uint8_t *der, size_t der_len,
                       uint8_t ret_fingerprint[LP_TLS_FINGERPRINT_LEN]);

/* A server context with this chain and key. LP_ERR_TLS when they do not parse or do not match.
 */
int lp_tls_server_new(const uint8_t *cert_pem, size_t cert_pem_len, const uint8_t *key_pem,
                      size_t key_pem_len, struct lp_tls **ret_tls, char why[LP_TLS_WHY_LEN]);

/*
 * Replaces certificate and key for connections to come; those that live are not touched. On
 * failure the old pair stays in force.
 */
int lp_tls_server_reload(struct lp_tls *tls, const uint8_t *cert_pem, size_t cert_pem_len,
                         const uint8_t *key_pem, size_t key_pem_len, char why[LP_TLS_WHY_LEN]);

enum lp_tls_trust {
    LP_TLS_TRUST_SYSTEM,      /* the system's store, name checked */
    LP_TLS_TRUST_CERTIFICATE, /* exactly this DER certificate, or a chain that it signs; name
                                 checked */
    LP_TLS_TRUST_PIN,         /* the end certificate's SHA-256; name and dates not checked */
};

struct lp_tls_client_config {
    enum lp_tls_trust trust;
    const uint8_t *ca_der; /* borrowed for the call */
    size_t ca_der_len;
    uint8_t pin[LP_TLS_FINGERPRINT_LEN];
    const char
        *server_name; /* SNI and the name that is checked; an IP literal is not sent as SNI */
};

int lp_tls_client_new(const struct lp_tls_client_config *config, struct lp_tls **ret_tls,
                      char why[LP_TLS_WHY_LEN]);

void lp_tls_free(struct lp_tls *tls);

#endif
