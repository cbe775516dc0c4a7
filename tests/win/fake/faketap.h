/*
 * What the stand-in for the TAP-Windows6 driver shares with the tests' other programs: names of
 * its devices and the control codes, TAP-Windows6's own and those of the tests.
 */
#ifndef TESTS_WIN_FAKE_FAKETAP_H
#define TESTS_WIN_FAKE_FAKETAP_H

#define FAKETAP_GUID      "{410EB49D-2381-4FE7-9B36-498E22619DF0}"
#define FAKETAP_CLASS_KEY "{4D36E972-E325-11CE-BFC1-08002BE10318}\\0007"
#define FAKETAP_INSTANCE  "ROOT\\NET\\0007"
#define FAKETAP_WIRE      "SoftlanFakeTapWire"
#define FAKETAP_CONTROL   "SoftlanFakeTapControl"
#define FAKETAP_SERVICE   "softlan-faketap"
#define FAKETAP_FRAME_MAX 2048
#define FAKETAP_CODE(n)   CTL_CODE(FILE_DEVICE_UNKNOWN, n, METHOD_BUFFERED, FILE_ANY_ACCESS)

/* TAP-Windows6 9.27 */
#define FAKETAP_GET_MAC          FAKETAP_CODE(1)
#define FAKETAP_GET_VERSION      FAKETAP_CODE(2)
#define FAKETAP_GET_MTU          FAKETAP_CODE(3)
#define FAKETAP_SET_MEDIA_STATUS FAKETAP_CODE(6)
#define FAKETAP_PRIORITY         FAKETAP_CODE(11)

/* On the control device: what PnP does to the real driver, and a look inside. */
#define FAKETAP_RESTART FAKETAP_CODE(0x900)
#define FAKETAP_STATE   FAKETAP_CODE(0x901)

struct faketap_state {
    unsigned media;
    unsigned open;
    unsigned dropped; /* frames for which no room was left, both ways */
    unsigned char mac[8];
};

#endif
