/* SPDX-License-Identifier: MIT */
#include "view/plot_svg.h"

#include <string.h>

/*
 * Colours are plain declarations, and the dark ones replace them: programs that know no media
 * queries draw the light picture. Kinds of marks differ by shape as well as by colour.
 */
static const char style[] =
    "text{font-family:system-ui,-apple-system,'Segoe UI',Roboto,'DejaVu Sans',sans-serif;"
    "font-size:12px;fill:#57606a}\n"
    ".page{fill:#ffffff}.title{font-size:19px;font-weight:600;fill:#1f2328}\n"
    ".facts{font-size:13px;fill:#424a53}.heading{font-size:13px;font-weight:600;fill:#1f2328}\n"
    ".tick{font-size:11px;font-variant-numeric:tabular-nums}.words{font-size:14px}\n"
    ".grid{stroke:#e7eaee;fill:none}.frame{stroke:#c4cad1;fill:none}\n"
    "path{fill:none;stroke-linejoin:round}\n"
    ".data{stroke:#0969da;stroke-width:1.6}.ack{stroke:#1a7f37;stroke-width:1.3}\n"
    ".edge{stroke:#8c959f;stroke-width:1.1;stroke-dasharray:5 3}\n"
    ".sack{stroke:#8250df;stroke-width:1.6}\n"
    ".acks{fill:#e36209;stroke:#ffffff;stroke-width:.5}\n"
    ".timeout{fill:#cf222e;stroke:#ffffff;stroke-width:.5}\n"
    ".probe{fill:#bf3989;stroke:#ffffff;stroke-width:.5}\n"
    ".late{fill:#e36209;stroke:#ffffff;stroke-width:.5}\n"
    ".twice{fill:#cf222e;stroke:#ffffff;stroke-width:.5}\n"
    ".drop{stroke:#1f2328;stroke-width:1.3}\n"
    ".cwnd{stroke:#0969da;stroke-width:1.8}.flight{fill:#0969da;fill-opacity:.16}\n"
    ".ssthresh{stroke:#8250df;stroke-width:1.2;stroke-dasharray:6 3}\n"
    ".in-recovery{fill:#e36209;fill-opacity:.13}.in-loss{fill:#cf222e;fill-opacity:.16}\n"
    ".in-reduced{fill:#bf8700;fill-opacity:.16}\n"
    ".sample{stroke:#54aeff;stroke-width:2.4;stroke-linecap:round}\n"
    ".few{stroke-width:5}\n"
    ".srtt{stroke:#0550ae;stroke-width:1.6}\n"
    ".rto{stroke:#cf222e;stroke-width:1.2;stroke-dasharray:6 3}\n"
    ".goodput{fill:#2da44e;fill-opacity:.22;stroke:#1a7f37;stroke-width:1.4}\n"
    ".sent{stroke:#0969da;stroke-width:1.2}\n"
    ".delivery{stroke:#8250df;stroke-width:1.2}\n"
    ".pacing{stroke:#8c959f;stroke-width:1.1;stroke-dasharray:5 3}\n"
    "@media(prefers-color-scheme:dark){text{fill:#9198a1}.page{fill:#0d1117}\n"
    ".title,.heading{fill:#f0f6fc}.facts{fill:#b7bdc8}\n"
    ".grid{stroke:#21262d}.frame{stroke:#3d444d}\n"
    ".data,.cwnd,.sent{stroke:#58a6ff}.ack{stroke:#3fb950}.edge,.pacing{stroke:#7d8590}\n"
    ".sack,.ssthresh,.delivery{stroke:#be8fff}\n"
    ".acks,.late{fill:#ffa657;stroke:#0d1117}.timeout,.twice{fill:#ff7b72;stroke:#0d1117}\n"
    ".probe{fill:#f778ba;stroke:#0d1117}.drop{stroke:#f0f6fc}.flight{fill:#58a6ff}\n"
    ".in-recovery{fill:#ffa657}.in-loss{fill:#ff7b72}.in-reduced{fill:#e3b341}\n"
    ".sample{stroke:#2f6fbf}.srtt{stroke:#a5d6ff}.rto{stroke:#ff7b72}\n"
    ".goodput{fill:#3fb950;stroke:#3fb950}}\n";

void svg_characters(FILE *out, const char *text)
{
    for (const char *at = text; *at != '\0'; at++) {
        switch (*at) {
        case '<': fputs("&lt;", out); break;
        case '>': fputs("&gt;", out); break;
        case '&': fputs("&amp;", out); break;
        case '"': fputs("&quot;", out); break;
        default:
            /* XML 1.0 2.2 has no place for control characters, not even escaped. */
            fputc((unsigned char)*at < ' ' ? ' ' : *at, out);
            break;
        }
    }
}

void svg_begin(FILE *out, unsigned width, unsigned height, const char *title)
{
    fprintf(out,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%u\" height=\"%u\" "
            "viewBox=\"0 0 %u %u\" role=\"img\">\n<title>",
            width, height, width, height);
    svg_characters(out, title);
    fprintf(out, "</title>\n<style>\n%s</style>\n", style);
    svg_rect(out, "page", 0, 0, width, height);
}

void svg_end(FILE *out) { fputs("</svg>\n", out); }

void svg_number(FILE *out, double value)
{
    double limited = value > 1e6 ? 1e6 : value < -1e6 ? -1e6 : value;
    long tenths = (long)(limited * 10 + (limited < 0 ? -0.5 : 0.5));
    long size = tenths < 0 ? -tenths : tenths;
    fprintf(out, "%s%ld", tenths < 0 ? "-" : "", size / 10);
    if (size % 10 != 0) {
        fprintf(out, ".%ld", size % 10);
    }
}

static void pair(FILE *out, double x, double y)
{
    svg_number(out, x);
    fputc(' ', out);
    svg_number(out, y);
}

static void attribute(FILE *out, const char *name, double value)
{
    fprintf(out, " %s=\"", name);
    svg_number(out, value);
    fputc('"', out);
}

void svg_text(FILE *out, const char *class, enum svg_anchor anchor, double x, double y,
              const char *text)
{
    static const char *const anchors[] = { "", " text-anchor=\"middle\"", " text-anchor=\"end\"" };
    fprintf(out, "<text class=\"%s\"%s", class, anchors[anchor]);
    attribute(out, "x", x);
    attribute(out, "y", y);
    fputc('>', out);
    svg_characters(out, text);
    fputs("</text>\n", out);
}

void svg_rect(FILE *out, const char *class, double x, double y, double width, double height)
{
    fprintf(out, "<rect class=\"%s\"", class);
    attribute(out, "x", x);
    attribute(out, "y", y);
    attribute(out, "width", width);
    attribute(out, "height", height);
    fputs("/>\n", out);
}

void svg_line(FILE *out, const char *class, double x1, double y1, double x2, double y2)
{
    svg_path_begin(out, class);
    svg_move(out, x1, y1);
    svg_to(out, x2, y2);
    svg_path_end(out);
}

void svg_path_begin(FILE *out, const char *class)
{
    fprintf(out, "<path class=\"%s\" d=\"", class);
}

void svg_move(FILE *out, double x, double y)
{
    fputc('M', out);
    pair(out, x, y);
}

void svg_to(FILE *out, double x, double y)
{
    fputc('L', out);
    pair(out, x, y);
}

void svg_across(FILE *out, double x)
{
    fputc('H', out);
    svg_number(out, x);
}

void svg_down(FILE *out, double y)
{
    fputc('V', out);
    svg_number(out, y);
}

void svg_close(FILE *out) { fputc('Z', out); }

void svg_shape(FILE *out, double x, double y, const char *commands)
{
    svg_move(out, x, y);
    fputs(commands, out);
}

void svg_clip_begin(FILE *out, const char *name, double x, double y, double width, double height)
{
    fprintf(out, "<clipPath id=\"%s\">", name);
    svg_rect(out, "clip", x, y, width, height);
    fprintf(out, "</clipPath>\n<g clip-path=\"url(#%s)\">\n", name);
}

void svg_clip_end(FILE *out) { fputs("</g>\n", out); }

void svg_path_end(FILE *out) { fputs("\"/>\n", out); }

double svg_width(const char *text, double size)
{
    double columns = 0;
    for (const char *at = text; *at != '\0'; at++) {
        columns += (*at & 0xc0) != 0x80; /* what continues a character takes no column */
    }
    return columns * size * 0.56;
}
