#include "apps/gui-win/theme.h"

#include <string.h>

#include <dwmapi.h>
#include <uxtheme.h>

#ifndef DWMWA_USE_IMMERSIVE_DARK_MODE
#define DWMWA_USE_IMMERSIVE_DARK_MODE 20
#endif

bool lp_theme_system_is_dark(void)
{
    DWORD light = 1, size = sizeof(light);

    RegGetValueW(HKEY_CURRENT_USER,
                 L"Software\\Microsoft\\Windows\\CurrentVersion\\Themes\\Personalize",
                 L"AppsUseLightTheme", RRF_RT_REG_DWORD, NULL, &light, &size);
    return light == 0;
}

static bool system_has_high_contrast(void)
{
    HIGHCONTRASTW contrast = {.cbSize = sizeof(contrast)};

    return SystemParametersInfoW(SPI_GETHIGHCONTRAST, sizeof(contrast), &contrast, 0) &&
           (contrast.dwFlags & HCF_HIGHCONTRASTON) != 0;
}

static COLORREF from_rgb(unsigned rgb)
{
    return RGB(rgb >> 16 & 0xff, rgb >> 8 & 0xff, rgb & 0xff);
}

static void set_colours(struct lp_theme *theme)
{
    static const struct {
        unsigned light;
        unsigned dark;
        int system;
    } table[LP_COLOURS] = {
#define X(name, light, dark, system) {light, dark, system},
        LP_COLOUR_TABLE(X)
#undef X
    };

    for (unsigned i = 0; i < LP_COLOURS; i++)
        theme->colour[i] = theme->high_contrast
                               ? GetSysColor(table[i].system)
                               : from_rgb(theme->dark ? table[i].dark : table[i].light);
    theme->back_brush = CreateSolidBrush(theme->colour[LP_COLOUR_BACK]);
    theme->card_brush = CreateSolidBrush(theme->colour[LP_COLOUR_CARD]);
}

/* The face of the system's messages: Segoe UI on Windows 11; the sizes are ours. */
static void set_fonts(struct lp_theme *theme)
{
    static const struct {
        int size; /* of an em, at 96 dpi */
        int weight;
    } rows[LP_FONTS] = {
        [LP_FONT_HEADING] = {21, FW_SEMIBOLD},
        [LP_FONT_BODY] = {14, FW_NORMAL},
        [LP_FONT_SMALL] = {12, FW_NORMAL},
        [LP_FONT_FACT] = {15, FW_SEMIBOLD},
    };
    NONCLIENTMETRICSW metrics = {.cbSize = sizeof(metrics)};
    LOGFONTW font = {.lfCharSet = DEFAULT_CHARSET, .lfFaceName = L"Segoe UI"};

    if (SystemParametersInfoW(SPI_GETNONCLIENTMETRICS, sizeof(metrics), &metrics, 0))
        font = metrics.lfMessageFont;
    for (unsigned i = 0; i < LP_FONTS; i++) {
        font.lfHeight = -MulDiv(rows[i].size, theme->dpi, 96);
        font.lfWidth = 0;
        font.lfWeight = rows[i].weight;
        font.lfQuality = CLEARTYPE_QUALITY;
        theme->font[i] = CreateFontIndirectW(&font);
    }
}

void lp_theme_deinit(struct lp_theme *theme)
{
    if (theme->back_brush != NULL)
        DeleteObject(theme->back_brush);
    if (theme->card_brush != NULL)
        DeleteObject(theme->card_brush);
    for (unsigned i = 0; i < LP_FONTS; i++) {
        if (theme->font[i] != NULL)
            DeleteObject(theme->font[i]);
    }
    memset(theme, 0, sizeof(*theme));
}

void lp_theme_set(struct lp_theme *theme, int dpi, bool dark)
{
    lp_theme_deinit(theme);
    theme->dpi = dpi;
    theme->high_contrast = system_has_high_contrast();
    theme->dark = dark && !theme->high_contrast;
    set_colours(theme);
    set_fonts(theme);
}

void lp_theme_apply_to_frame(const struct lp_theme *theme, HWND window)
{
    BOOL dark = theme->dark;

    DwmSetWindowAttribute(window, DWMWA_USE_IMMERSIVE_DARK_MODE, &dark, sizeof(dark));
}

void lp_theme_apply_to_scrolling(const struct lp_theme *theme, HWND control)
{
    SetWindowTheme(control, theme->dark ? L"DarkMode_Explorer" : L"Explorer", NULL);
}

COLORREF lp_theme_tone(const struct lp_theme *theme, enum lp_tone tone)
{
    switch (tone) {
    case LP_TONE_BUSY:
        return theme->colour[LP_COLOUR_ACCENT];
    case LP_TONE_GOOD:
        return theme->colour[LP_COLOUR_GOOD];
    case LP_TONE_WARNING:
        return theme->colour[LP_COLOUR_WARNING];
    case LP_TONE_BAD:
        return theme->colour[LP_COLOUR_BAD];
    case LP_TONE_IDLE:
        break;
    }
    return theme->colour[LP_COLOUR_DIM];
}
