/* The relay's certificate: PEM files of the operator, or a development one kept between runs.
 */
#ifndef LP_APPS_RELAY_CERTIFICATE_H
#define LP_APPS_RELAY_CERTIFICATE_H

#include <stddef.h>
#include <stdint.h>

#include "apps/common/file.h"
#include "transport/tls.h"

struct lp_certificate {
    uint8_t *cert_pem;
    size_t cert_pem_len;
    uint8_t *key_pem;
    size_t key_pem_len;
    uint8_t *der;
    size_t der_len;
};

/* From PEM files. */
int lp_certificate_load(const char *cert_file, const char *key_file,
                        struct lp_certificate *ret_certificate, char why[LP_FILE_WHY_LEN]);

/* From the state folder; made and kept there when there is none. *ret_made tells. */
int lp_certificate_load_dev(const char *state_dir, const char *name, int64_t unix_time_s,
                            struct lp_certificate *ret_certificate, int *ret_made,
                            char why[LP_FILE_WHY_LEN]);

void lp_certificate_deinit(struct lp_certificate *certificate);

/* The key of stateless resets and Retry tokens, kept in the state folder. */
int lp_static_secret_load(const char *state_dir, uint8_t *secret, size_t len,
                          char why[LP_FILE_WHY_LEN]);

#endif
