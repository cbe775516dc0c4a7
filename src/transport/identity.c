/* Certificates: one of our own making, and the forms that one can have. */
#include "transport/internal.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include "base/addr.h"
#include "base/err.h"

#define VALID_DAYS      3653
#define COMMON_NAME_MAX 64 /* RFC 5280, upper bound */
#define SERIAL_LEN      16

static int take_bio(BIO *bio, uint8_t **ret_bytes, size_t *ret_len)
{
    char *data;
    long len = BIO_get_mem_data(bio, &data);
    uint8_t *bytes;

    if (len <= 0)
        return LP_ERR_TLS;
    bytes = malloc((size_t)len);
    if (bytes == NULL)
        return LP_ERR_NOMEM;
    memcpy(bytes, data, (size_t)len);
    *ret_bytes = bytes;
    *ret_len = (size_t)len;
    return 0;
}

static int add_text_extension(X509 *cert, int nid, const char *value)
{
    X509_EXTENSION *ext = X509V3_EXT_nconf_nid(NULL, NULL, nid, value);
    int ok = ext != NULL && X509_add_ext(cert, ext, -1) == 1;

    X509_EXTENSION_free(ext);
    return ok ? 0 : LP_ERR_TLS;
}

static GENERAL_NAME *general_name(const char *name)
{
    GENERAL_NAME *general = GENERAL_NAME_new();
    ASN1_STRING *value;
    struct lp_addr addr;
    bool ip = lp_addr_parse_ip(name, 0, &addr) == 0;
    const void *octets = ip ? (const void *)addr.ip : name;
    int len = !ip ? (int)strlen(name) : addr.family == LP_ADDR_IPV4 ? 4 : 16;

    value = ASN1_STRING_type_new(ip ? V_ASN1_OCTET_STRING : V_ASN1_IA5STRING);
    if (general == NULL || value == NULL || ASN1_STRING_set(value, octets, len) != 1) {
        GENERAL_NAME_free(general);
        ASN1_STRING_free(value);
        return NULL;
    }
    GENERAL_NAME_set0_value(general, ip ? GEN_IPADD : GEN_DNS, value);
    return general;
}

/* Built, not parsed from "DNS:...": a name with a comma must not become two. */
static int add_subject_alternative_name(X509 *cert, const char *name)
{
    GENERAL_NAMES *names = GENERAL_NAMES_new();
    GENERAL_NAME *general = general_name(name);
    int err = LP_ERR_TLS;

    if (names == NULL || general == NULL || sk_GENERAL_NAME_push(names, general) <= 0)
        GENERAL_NAME_free(general);
    else if (X509_add1_ext_i2d(cert, NID_subject_alt_name, names, 0, X509V3_ADD_DEFAULT) == 1)
        err = 0;
    GENERAL_NAMES_free(names);
    return err;
}

static int set_serial(X509 *cert)
{
    uint8_t octets[SERIAL_LEN];
    BIGNUM *number;
    int err = LP_ERR_TLS;

    if (RAND_bytes(octets, sizeof octets) != 1)
        return LP_ERR_TLS;
    octets[0] = (uint8_t)((octets[0] & 0x7f) | 0x40); /* positive, never zero */
    number = BN_bin2bn(octets, sizeof octets, NULL);
    if (number != NULL && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(cert)) != NULL)
        err = 0;
    BN_free(number);
    return err;
}

static int set_names_and_dates(X509 *cert, const char *name, int64_t unix_time_s)
{
    X509_NAME *subject = X509_get_subject_name(cert);
    const char *common = strlen(name) <= COMMON_NAME_MAX ? name : LP_DEV_SERVER_NAME;
    time_t start = (time_t)unix_time_s;

    if (X509_set_version(cert, X509_VERSION_3) != 1 || set_serial(cert) < 0 ||
        ASN1_TIME_set(X509_getm_notBefore(cert), start) == NULL ||
        ASN1_TIME_adj(X509_getm_notAfter(cert), start, VALID_DAYS, 0) == NULL ||
        X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, (const uint8_t *)common, -1,
                                   -1, 0) != 1 ||
        X509_set_issuer_name(cert, subject) != 1)
        return LP_ERR_TLS;
    return 0;
}

static int fill_certificate(X509 *cert, EVP_PKEY *key, const char *name, int64_t unix_time_s)
{
    if (set_names_and_dates(cert, name, unix_time_s) < 0 || X509_set_pubkey(cert, key) != 1 ||
        add_text_extension(cert, NID_basic_constraints, "critical,CA:FALSE") < 0 ||
        add_text_extension(cert, NID_ext_key_usage, "serverAuth") < 0 ||
        add_subject_alternative_name(cert, name) < 0 || X509_sign(cert, key, EVP_sha256()) == 0)
        return LP_ERR_TLS;
    return 0;
}

static int write_identity(X509 *cert, EVP_PKEY *key, struct lp_tls_identity *identity)
{
    BIO *cert_pem = BIO_new(BIO_s_mem());
    BIO *cert_der = BIO_new(BIO_s_mem());
    BIO *key_pem = BIO_new(BIO_s_secmem());
    int err = LP_ERR_TLS;

    if (cert_pem != NULL && cert_der != NULL && key_pem != NULL &&
        PEM_write_bio_X509(cert_pem, cert) == 1 && i2d_X509_bio(cert_der, cert) == 1 &&
        PEM_write_bio_PrivateKey(key_pem, key, NULL, NULL, 0, NULL, NULL) == 1) {
        err = take_bio(cert_pem, &identity->cert_pem, &identity->cert_pem_len);
        if (err == 0)
            err = take_bio(cert_der, &identity->cert_der, &identity->cert_der_len);
        if (err == 0)
            err = take_bio(key_pem, &identity->key_pem, &identity->key_pem_len);
    }
    BIO_free(cert_pem);
    BIO_free(cert_der);
    BIO_free(key_pem);
    return err;
}

int lp_tls_identity_generate(const char *name, int64_t unix_time_s,
                             struct lp_tls_identity *ret_identity)
{
    struct lp_tls_identity identity = {0};
    EVP_PKEY *key;
    X509 *cert;
    int err = LP_ERR_TLS;

    if (name[0] == '\0' || strlen(name) > LP_QUIC_SERVER_NAME_MAX)
        return LP_ERR_INVALID;
    key = EVP_EC_gen("P-256");
    cert = X509_new();
    if (key != NULL && cert != NULL)
        err = fill_certificate(cert, key, name, unix_time_s);
    if (err == 0)
        err = write_identity(cert, key, &identity);
    X509_free(cert);
    EVP_PKEY_free(key);
    ERR_clear_error();
    if (err < 0) {
        lp_tls_identity_deinit(&identity);
        return err;
    }
    *ret_identity = identity;
    return 0;
}

void lp_tls_identity_deinit(struct lp_tls_identity *identity)
{
    if (identity->key_pem != NULL)
        OPENSSL_cleanse(identity->key_pem, identity->key_pem_len);
    free(identity->key_pem);
    free(identity->cert_pem);
    free(identity->cert_der);
    memset(identity, 0, sizeof *identity);
}

int lp_tls_pem_to_der(const uint8_t *pem, size_t pem_len, uint8_t **ret_der,
                      size_t *ret_der_len)
{
    BIO *in = pem_len <= INT32_MAX ? BIO_new_mem_buf(pem, (int)pem_len) : NULL;
    BIO *out = BIO_new(BIO_s_mem());
    X509 *cert = in != NULL ? PEM_read_bio_X509(in, NULL, NULL, NULL) : NULL;
    int err = LP_ERR_TLS;

    if (cert != NULL && out != NULL && i2d_X509_bio(out, cert) == 1)
        err = take_bio(out, ret_der, ret_der_len);
    X509_free(cert);
    BIO_free(in);
    BIO_free(out);
    ERR_clear_error();
    return err;
}

int lp_tls_fingerprint(const uint8_t *der, size_t der_len,
                       uint8_t ret_fingerprint[LP_TLS_FINGERPRINT_LEN])
{
    unsigned len = 0;

    if (EVP_Digest(der, der_len, ret_fingerprint, &len, EVP_sha256(), NULL) != 1 ||
        len != LP_TLS_FINGERPRINT_LEN) {
        ERR_clear_error();
        return LP_ERR_TLS;
    }
    return 0;
}
