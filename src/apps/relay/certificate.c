#include "apps/relay/certificate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "platform/platform.h"

static int state_file(const char *state_dir, const char *name, char path[LP_PATH_LEN],
                      char why[LP_FILE_WHY_LEN])
{
    int len = snprintf(path, LP_PATH_LEN, "%s/%s", state_dir, name);

    if (len < LP_PATH_LEN)
        return 0;
    snprintf(why, LP_FILE_WHY_LEN, "path is too long: %.200s...", state_dir);
    return LP_ERR_RANGE;
}

int lp_certificate_load(const char *cert_file, const char *key_file,
                        struct lp_certificate *ret_certificate, char why[LP_FILE_WHY_LEN])
{
    struct lp_certificate c = {0};
    int err = lp_file_read(cert_file, &c.cert_pem, &c.cert_pem_len, why);

    if (err == 0)
        err = lp_file_read(key_file, &c.key_pem, &c.key_pem_len, why);
    if (err == 0) {
        err = lp_tls_pem_to_der(c.cert_pem, c.cert_pem_len, &c.der, &c.der_len);
        if (err < 0)
            snprintf(why, LP_FILE_WHY_LEN, "%.300s holds no PEM certificate", cert_file);
    }
    if (err < 0) {
        lp_certificate_deinit(&c);
        return err;
    }
    *ret_certificate = c;
    return 0;
}

static int make_dev(const char *cert_path, const char *key_path, const char *name,
                    int64_t unix_time_s, char why[LP_FILE_WHY_LEN])
{
    struct lp_tls_identity identity;
    int err = lp_tls_identity_generate(name, unix_time_s, &identity);

    if (err < 0) {
        snprintf(why, LP_FILE_WHY_LEN, "cannot make a certificate for \"%.100s\"", name);
        return err;
    }
    err = lp_file_write(key_path, identity.key_pem, identity.key_pem_len, 0600, why);
    if (err == 0)
        err = lp_file_write(cert_path, identity.cert_pem, identity.cert_pem_len, 0644, why);
    lp_tls_identity_deinit(&identity);
    return err;
}

int lp_certificate_load_dev(const char *state_dir, const char *name, int64_t unix_time_s,
                            struct lp_certificate *ret_certificate, int *ret_made,
                            char why[LP_FILE_WHY_LEN])
{
    char cert_path[LP_PATH_LEN], key_path[LP_PATH_LEN];
    int err = state_file(state_dir, "dev-cert.pem", cert_path, why);

    if (err == 0)
        err = state_file(state_dir, "dev-key.pem", key_path, why);
    if (err < 0)
        return err;
    *ret_made = 0;
    err = lp_certificate_load(cert_path, key_path, ret_certificate, why);
    if (err != LP_ERR_NOTFOUND)
        return err;
    err = make_dev(cert_path, key_path, name, unix_time_s, why);
    if (err < 0)
        return err;
    *ret_made = 1;
    return lp_certificate_load(cert_path, key_path, ret_certificate, why);
}

void lp_certificate_deinit(struct lp_certificate *certificate)
{
    free(certificate->cert_pem);
    if (certificate->key_pem != NULL)
        explicit_bzero(certificate->key_pem, certificate->key_pem_len);
    free(certificate->key_pem);
    free(certificate->der);
    memset(certificate, 0, sizeof(*certificate));
}

int lp_static_secret_load(const char *state_dir, uint8_t *secret, size_t len,
                          char why[LP_FILE_WHY_LEN])
{
    char path[LP_PATH_LEN];
    uint8_t *bytes;
    size_t have;
    int err = state_file(state_dir, "reset-key", path, why);

    if (err < 0)
        return err;
    err = lp_file_read(path, &bytes, &have, why);
    if (err == LP_ERR_NOTFOUND) {
        lp_random_bytes(secret, len);
        return lp_file_write(path, secret, len, 0600, why);
    }
    if (err < 0)
        return err;
    if (have == len)
        memcpy(secret, bytes, len);
    else
        err = LP_ERR_MALFORMED;
    explicit_bzero(bytes, have);
    free(bytes);
    if (err < 0)
        snprintf(why, LP_FILE_WHY_LEN, "%.300s is damaged: delete it, a new one is made", path);
    return err;
}
