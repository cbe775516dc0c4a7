#include "platform/settings/svcsession.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"

void lp_svcsession_init(struct lp_svcsession *session, const struct lp_svc_actions *actions)
{
    *session = (struct lp_svcsession){.actions = actions, .state = LP_SVC_START};
}

bool lp_svcsession_is_over(const struct lp_svcsession *session)
{
    return session->state == LP_SVC_ENDED;
}

int lp_svcsession_end(struct lp_svcsession *session, char why[LP_WHY_LEN])
{
    why[0] = '\0';
    if (lp_svcsession_is_over(session))
        return 0;
    session->state = LP_SVC_ENDED;
    return session->actions->end(session->actions->user, why);
}

size_t lp_svcsession_refusal(int err, const char *sentence, uint8_t reply[LP_SVCMSG_MAX])
{
    struct lp_svcmsg message = {.type = LP_SVCMSG_ERROR};
    bool known = err < 0 && strcmp(lp_err_name(err), "UNKNOWN") != 0;
    int len;

    message.error.code = known ? (enum lp_err)err : LP_ERR_IO;
    snprintf(message.error.sentence, sizeof(message.error.sentence), "%s",
             sentence[0] != '\0' ? sentence : lp_err_text(message.error.code));
    len = lp_svcmsg_encode(&message, reply, LP_SVCMSG_MAX);
    assert(len > 0);
    return (size_t)len;
}

/* Does what is asked; the reply's content is in *reply on success. */
static int act(struct lp_svcsession *session, const struct lp_svcmsg *request,
               struct lp_svcmsg *reply, char *why)
{
    const struct lp_svc_actions *actions = session->actions;

    switch (request->type) {
    case LP_SVCMSG_PREPARE:
        return actions->prepare(actions->user, request->prepare.adapter, &request->prepare.mac,
                                why);
    case LP_SVCMSG_PIN:
        return actions->pin(actions->user, &request->relay, why);
    case LP_SVCMSG_CONFIGURE:
        return actions->configure(actions->user, &request->settings, why);
    case LP_SVCMSG_CHECK:
        reply->type = LP_SVCMSG_STATUS;
        return actions->check(actions->user, &reply->status, why);
    case LP_SVCMSG_END:
        return lp_svcsession_end(session, why);
    default: /* hello: there is nothing to do */
        return 0;
    }
}

static size_t encode_reply(struct lp_svcmsg *reply, uint8_t bytes[LP_SVCMSG_MAX])
{
    int len;

    if (reply->type == LP_SVCMSG_STATUS && reply->status.reasserted > UINT8_MAX)
        reply->status.reasserted = UINT8_MAX;
    len = lp_svcmsg_encode(reply, bytes, LP_SVCMSG_MAX);
    if (len < 0) /* a route that the message has no form for */
        return lp_svcsession_refusal(
            LP_ERR_UNSUPPORTED,
            "the route to the relay cannot be shown: restart the SoftLAN "
            "service",
            bytes);
    return (size_t)len;
}

/* Nothing more is taken; what else could not be undone is for the log of the next start. */
static size_t break_off(struct lp_svcsession *session, int err, const char *sentence,
                        uint8_t reply[LP_SVCMSG_MAX])
{
    char ignored[LP_WHY_LEN];

    lp_svcsession_end(session, ignored);
    return lp_svcsession_refusal(err, sentence, reply);
}

size_t lp_svcsession_take(struct lp_svcsession *session, const uint8_t *bytes, size_t len,
                          uint8_t reply[LP_SVCMSG_MAX])
{
    struct lp_svcmsg request;
    struct lp_svcmsg answer = {.type = LP_SVCMSG_OK};
    char why[LP_WHY_LEN] = "";
    int err = lp_svcmsg_decode(bytes, len, &request);

    if (err < 0)
        return break_off(session, err,
                         "this is no request to the SoftLAN service: install SoftLAN "
                         "again",
                         reply);
    err = lp_svc_allows(session->state, &request, why);
    if (err < 0)
        return break_off(session, err, why, reply);
    err = act(session, &request, &answer, why);
    session->state = lp_svc_next(session->state, request.type, err == 0);
    if (err < 0)
        return lp_svcsession_refusal(err, why, reply);
    return encode_reply(&answer, reply);
}
