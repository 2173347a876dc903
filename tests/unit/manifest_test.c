// SPDX-License-Identifier: MIT
//
// manifest_test: the flat manifest is read as docs/manifest.md says, and what
// is not right is refused with the line and the reason; admission control
// counts. Run on the host under ASan and UBSan.
// Sources: apps/init/manifest.c apps/init/manifest_net.c apps/init/admit.c
//      libos/lib/print.c
#include "init.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEAD "exo-manifest 1\n"
#define APP  HEAD "app a\n image i\n reserved 16\n limit 16\n"

static struct manifest m;
static struct manifest_app apps[MANIFEST_APPS_MAX + 1];

// Reads a whole text. Result: applications, or -1.
static int
read_all(const char *text, size_t bytes)
{
    char *copy = malloc(bytes ? bytes : 1); // just its size, for ASan
    int got, n = 0;
    memcpy(copy, text, bytes);
    manifest_open(&m, copy, bytes);
    while ((got = manifest_next(&m, &apps[n])) == 1)
        n++;
    free(copy);
    return got == 0 ? n : -1;
}

static void
refused(const char *text, const char *reason)
{
    int got = read_all(text, strlen(text));
    if (got == -1 && strcmp(m.error, reason) == 0)
        return;
    printf("%s\nexpected: %s\ngot %d:    %s\n", text, reason, got, m.error);
    exit(1);
}

static void
test_good(void)
{
    const char *text = HEAD "# comment\n"
                            "\n"
                            "app hello-1\n"
                            "  image hello.elf_X-2\n"
                            "  arg world\n"
                            "  arg\n"
                            "  arg  two  spaces \n"
                            "  reserved 64\n"
                            "  limit 4294967296\n"
                            "  envs 4\n"
                            "  share 125\n"
                            "  affinity 0 2 63\n"
                            "  restart on-failure\n"
                            "  restarts 3\n"
                            "  may_fail yes\n"
                            "  background no\n"
                            "  wx yes\n"
                            "  seal no\n"
                            "  hide_info yes\n"
                            "end\n"
                            "app b\nimage i\nreserved 16\nlimit 16\nslots 0\n"
                            "end\n";
    assert(read_all(text, strlen(text)) == 2);
    const struct manifest_app *a = &apps[0];
    assert(strcmp(a->name, "hello-1") == 0);
    assert(strcmp(a->image, "hello.elf_X-2") == 0);
    assert(a->argc == 4 && a->args_bytes == 8 + 6 + 1 + 14);
    assert(memcmp(a->args, "hello-1\0world\0\0 two  spaces ", 29) == 0);
    assert(a->reserved == 64 && a->limit == UINT64_C(1) << 32);
    assert(a->envs == 4 && a->share == 125 && a->slots == 0);
    assert(a->affinity == (UINT64_C(1) << 63 | 5));
    assert(a->restart == MANIFEST_ON_FAILURE && a->restarts == 3);
    assert(a->may_fail && !a->background && a->wx && !a->seal);
    assert(a->hide_info);
    a = &apps[1];
    assert(a->argc == 1 && a->envs == 16 && a->affinity == 0);
    assert(a->restart == MANIFEST_NEVER && !a->may_fail && !a->wx);
}

static void
test_shape(void)
{
    refused("", "line 1: the first line must be \"exo-manifest 1\"");
    refused("exo-manifest 2\n",
            "line 1: the first line must be \"exo-manifest 1\"");
    refused("\n" HEAD, "line 1: the first line must be \"exo-manifest 1\"");
    refused("# x\n" HEAD, "line 1: the first line must be \"exo-manifest 1\"");
    refused("exo-manifest 1", "line 1: the last line does not end");
    refused(HEAD, "line 1: there is no application");
    refused(APP, "line 5: the block has no end");
    refused(APP "end", "line 6: the last line does not end");
    refused(HEAD "end\n",
            "line 2: a block begins with \"app NAME\", not with \"end\"");
    refused(HEAD "disk d\nend\n",
            "line 2: a block begins with \"app NAME\", not with \"disk d\"");
    refused(HEAD "app a\r\n", "line 2: control characters are not allowed");
    refused(HEAD "app\ta\n", "line 2: control characters are not allowed");
    refused(APP "arg \x7f\n", "line 6: control characters are not allowed");
    char text[700], line[400];
    memset(line, 'x', sizeof(line));
    snprintf(text, sizeof(text), "%sarg %.296s\nend\n", APP, line);
    refused(text, "line 6: too many arguments, or too long: they end at "
                  "\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\"");
    snprintf(text, sizeof(text), "%sarg %.297s\nend\n", APP, line);
    refused(text, "line 6: the line is longer than 300 bytes");
    // A zero byte ends nothing.
    memcpy(text, APP "arg \0\nend\n", sizeof(APP "arg \0\nend\n"));
    assert(read_all(text, sizeof(APP "arg \0\nend\n") - 1) == -1);
}

static void
test_names(void)
{
    refused(HEAD "app\n", "line 2: a name is 1 to 31 of a-z 0-9 -, a letter "
                          "first, not");
    refused(HEAD "app Big\n", "line 2: a name is 1 to 31 of a-z 0-9 -, a "
                              "letter first, not \"Big\"");
    refused(HEAD "app 1a\n", "line 2: a name is 1 to 31 of a-z 0-9 -, a "
                             "letter first, not \"1a\"");
    refused(HEAD "app a b\n", "line 2: a name is 1 to 31 of a-z 0-9 -, a "
                              "letter first, not \"a b\"");
    refused(HEAD "app abcdefghijklmnopqrstuvwxyzabcdef\n",
            "line 2: a name is 1 to 31 of a-z 0-9 -, a letter first, not "
            "\"abcdefghijklmnopqrstuvwxyzabcdef\"");
    refused(HEAD "app init\n", "line 2: the name is taken: \"init\"");
    refused(HEAD "app exo\n", "line 2: the name is taken: \"exo\"");
    refused(APP "end\napp a\n",
            "line 7: a second application of the name \"a\"");
}

static void
test_keys(void)
{
    refused(APP "adress 1\n", "line 6: unknown key \"adress\"");
    refused(APP "Image x\n", "line 6: unknown key \"Image\"");
    refused(APP "image i\n", "line 6: given twice: \"image\"");
    refused(APP "envs\n", "line 6: no value for \"envs\"");
    refused(APP "envs \n", "line 6: no value for \"envs\"");
    refused(APP "envs 0\n",
            "line 6: envs is a number from 1 to 4096, not \"0\"");
    refused(APP "envs 4097\n",
            "line 6: envs is a number from 1 to 4096, not \"4097\"");
    refused(APP "envs 01\n",
            "line 6: envs is a number from 1 to 4096, not \"01\"");
    refused(APP "envs +1\n",
            "line 6: envs is a number from 1 to 4096, not \"+1\"");
    refused(APP "envs 1 \n",
            "line 6: envs is a number from 1 to 4096, not \"1 \"");
    refused(APP "envs 99999999999999999999999999\n",
            "line 6: envs is a number from 1 to 4096, not "
            "\"99999999999999999999999999\"");
    refused(HEAD "app a\nreserved 15\n", "line 3: reserved is a number of "
                                         "pages, 16 to 4294967296, not \"15\"");
    refused(HEAD "app a\nlimit 4294967297\n",
            "line 3: limit is a number of pages, 16 to 4294967296, not "
            "\"4294967297\"");
    refused(HEAD "app a\nimage ../x\n", "line 3: an image name is of a-z A-Z "
                                        "0-9 . _ -, not \"../x\"");
    refused(APP "affinity 1 1\n", "line 6: affinity is CPU numbers, ascending, "
                                  "one space between, not \"1 1\"");
    refused(APP "affinity 64\n", "line 6: affinity is CPU numbers, ascending, "
                                 "one space between, not \"64\"");
    refused(APP "affinity 0  1\n", "line 6: affinity is CPU numbers, "
                                   "ascending, one space between, not "
                                   "\"0  1\"");
    refused(APP "affinity 0 \n", "line 6: affinity ends with a space: \"0 \"");
    refused(APP "restart sometimes\n",
            "line 6: restart is never, on-failure or always, not "
            "\"sometimes\"");
    refused(APP "var A\n", "line 6: a variable is NAME=VALUE, not \"A\"");
    refused(APP "var =b\n", "line 6: a variable is NAME=VALUE, not \"=b\"");
    refused(APP "var\n", "line 6: a variable is NAME=VALUE, not");
    refused(APP "files ../x\n",
            "line 6: an archive's name is of a-z 0-9 -, not \"../x\"");
    refused(APP "files a\nfiles b\n", "line 7: given twice: \"files\"");
    refused(APP "wx true\n", "line 6: the value is yes or no, not \"true\"");
}

static void
test_blocks(void)
{
    refused(HEAD "app a\nend\n", "line 3: no image for \"a\"");
    refused(HEAD "app a\nimage i\nreserved 16\nend\n",
            "line 5: no reserved and limit for \"a\"");
    refused(HEAD "app a\nimage i\nreserved 17\nlimit 16\nend\n",
            "line 6: limit is below reserved for \"a\"");
    refused(APP "slots 1\nshare 1\nend\n",
            "line 8: slots and share exclude each other for \"a\"");
    refused(APP "restarts 1\nend\n",
            "line 7: restarts needs a restart other than never for \"a\"");
    refused(APP "wx yes\nseal yes\nend\n",
            "line 8: wx and seal exclude each other for \"a\"");
    refused(APP "background yes\nend\n",
            "line 7: not every application can be background");
}

static void
test_many(void)
{
    static char text[80000];
    size_t at = (size_t)sprintf(text, HEAD);
    for (unsigned n = 0; n < MANIFEST_APPS_MAX; n++)
        at += (size_t)sprintf(
            text + at, "app a%u\nimage i\nreserved 16\nlimit 16\nend\n", n);
    assert(read_all(text, at) == MANIFEST_APPS_MAX);
    at += (size_t)sprintf(text + at, "app b\nend\n");
    assert(read_all(text, at) == -1);
    assert(strcmp(m.error, "line 322: more than 64 applications") == 0);
    memset(text + at, '\n', sizeof(text) - at);
    assert(read_all(text, 65537) == -1);
    assert(strcmp(m.error, "line 1: the manifest is longer than 64 KiB") == 0);
    at = (size_t)sprintf(text, APP);
    for (unsigned n = 0; n < START_ARGS_MAX; n++)
        at += (size_t)sprintf(text + at, "arg x\n");
    at += (size_t)sprintf(text + at, "end\n");
    assert(read_all(text, at) == -1); // the name is the first of 32
}

static void
fits(struct admit *admit, const struct manifest_app *app, const char *reason)
{
    char error[160] = "";
    bool good = admit_app(admit, app, error, sizeof(error));
    if (good == !reason && (!reason || strcmp(error, reason) == 0))
        return;
    printf("expected: %s\ngot:      %s\n", reason ? reason : "admitted", error);
    exit(1);
}

static void
test_admit(void)
{
    struct admit a = {.pages = 100,
                      .envs = 20,
                      .ncpus = 2,
                      .nslots = 128,
                      .free_slots = {126, 128}};
    struct manifest_app app;
    manifest_default(&app, "web", "web");
    app.reserved = 101;
    fits(&a, &app,
         "web wants 101 pages reserved, but only 100 can be promised");
    app.reserved = 60;
    app.envs = 21;
    fits(&a, &app, "web wants 21 environments, but only 20 are left");
    app.envs = 10;
    app.slots = 255;
    fits(&a, &app, "web wants 255 slots, but only 254 are unowned");
    app.affinity = 4;
    fits(&a, &app, "web wants CPU 2, but there are only 2");
    app.affinity = 1;
    app.slots = 127;
    fits(&a, &app, "web wants 127 slots on CPU 0, but only 126 are unowned");
    app.slots = 26;
    fits(&a, &app, NULL);
    assert(a.pages == 40 && a.envs == 10 && a.free_slots[0] == 100);
    app.reserved = 40;
    app.slots = 0;
    app.share = 1500;
    app.affinity = 0;
    fits(&a, &app, NULL); // all of CPU 1 and 64 slots of CPU 0
    assert(a.free_slots[0] == 36 && a.free_slots[1] == 0);
    app.share = 1;
    assert(admit_slots(&app, 128) == 1);
    fits(&a, &app, "web wants 40 pages reserved, but only 0 can be promised");
}

#define NET                                                                    \
    HEAD "network\n subnet4 10.0.2.0 24\n gateway4 10.0.2.2\n dns4 10.0.2.3\n" \
         " subnet6 fec00000000000000000000000000000 64\n"                      \
         " gateway6 fec00000000000000000000000000002\nend\n"
#define NETAPP NET "app a\n image i\n reserved 16\n limit 16\n"

static void
test_network(void)
{
    const char *text =
        NETAPP "address4 10.0.2.15\n"
               "address6 fec0000000000000000000000000000f\nend\n"
               "app b\nimage i\nreserved 16\nlimit 16\n"
               "address4 10.0.2.255\nport tcp 80 80\nport udp 80 89\nend\n";
    assert(read_all(text, strlen(text)) == 2);
    const struct start_net *n = &apps[0].net;
    assert(n->prefix4 == 24 && n->prefix6 == 64 && !n->nports);
    assert(memcmp(n->address4, "\x0a\0\x02\x0f", 4) == 0);
    assert(memcmp(n->gateway4, "\x0a\0\x02\x02", 4) == 0);
    assert(memcmp(n->dns4, "\x0a\0\x02\x03", 4) == 0);
    assert(n->address6[0] == 0xfe && n->address6[15] == 15);
    assert(n->gateway6[15] == 2 && n->dns6[0] == 0 && n->nfilters == 0);
    n = &apps[1].net;
    assert(n->prefix4 == 24 && n->prefix6 == 0 && n->nports == 3);
    assert(n->ports[0].protocol == 6 && n->ports[0].first == 80);
    assert(n->ports[1].protocol == 17 && n->ports[1].last == 89);
    assert(n->ports[2].protocol == 0);
    assert(n->ports[2].first == 49152 + 256);
    assert(n->ports[2].last == 49152 + 511);
}

static void
test_network_refused(void)
{
    refused(HEAD "network\n", "line 2: the block has no end");
    refused(NET "network\nend\n", "line 9: the network comes once, before all "
                                  "applications");
    refused(APP "end\nnetwork\nend\n", "line 7: the network comes once, before "
                                       "all applications");
    refused(HEAD "network\nmtu 3\n",
            "line 3: unknown key of the network: \"mtu 3\"");
    refused(HEAD "network\ndns4 1.2.3.4\ndns4 1.2.3.4\n",
            "line 4: given twice: \"dns4 1.2.3.4\"");
    static const char *const bad4[] = {
        "1.2.3",  "1.2.3.4.5", "1.2.3.256", "1.2.3.04", "1..3.4",
        ".1.2.3", "1.2.3.4.",  "1.2.3.a",   "1.2.3.4 ", "-1.2.3.4"};
    char line[300];
    for (unsigned i = 0; i < sizeof(bad4) / sizeof(bad4[0]); i++) {
        snprintf(line, sizeof(line), NETAPP "address4 %s\n", bad4[i]);
        char wanted[100];
        snprintf(wanted, sizeof(wanted),
                 "line 13: address4 is an IPv4 address, not \"%s\"", bad4[i]);
        refused(line, wanted);
    }
    refused(NETAPP "address6 fec0::1\n", "line 13: address6 is an IPv6 address "
                                         "of 32 digits, not \"fec0::1\"");
    refused(NETAPP "address6 FEC00000000000000000000000000001\n",
            "line 13: address6 is an IPv6 address of 32 digits, not "
            "\"FEC00000000000000000000000000001\"");
    refused(HEAD "network\nsubnet4 10.0.2.0 29\n",
            "line 3: no such address: \"subnet4 10.0.2.0 29\"");
    refused(HEAD "network\nsubnet4 10.0.2.0\n",
            "line 3: no such address: \"subnet4 10.0.2.0\"");
    refused(APP "address4 10.0.2.15\nend\n",
            "line 7: an address, but no network before it, for \"a\"");
    refused(NETAPP "address4 10.0.3.15\nend\n",
            "line 14: address4 is outside the network for \"a\"");
    refused(NETAPP "address6 fec0000000000001000000000000000f\nend\n",
            "line 14: address6 is outside the network for \"a\"");
    refused(NETAPP "port tcp 80 80\nend\n",
            "line 14: ports without an address for \"a\"");
    refused(NETAPP "port icmp 80 80\n",
            "line 13: port is tcp or udp and two numbers, not \"icmp 80 80\"");
    static const char *const bad[] = {"tcp",     "tcp 80",      "tcp 0 1",
                                      "tcp 9 8", "tcp 1 65536", "tcp 1 2 3"};
    for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        snprintf(line, sizeof(line), NETAPP "port %s\n", bad[i]);
        assert(read_all(line, strlen(line)) == -1);
        assert(strstr(m.error, "line 13: port is a protocol, a first and"));
    }
    assert(read_all(NETAPP "port tcp 1 9\nport tcp 9 9\n",
                    strlen(NETAPP "port tcp 1 9\nport tcp 9 9\n")) == -1);
    assert(strstr(m.error, "line 14: ports are named twice:"));
}

int
main(int argc, char **argv)
{
    (void)argc, (void)argv; // declared for programs on libos/minimal
    test_good();
    test_shape();
    test_names();
    test_keys();
    test_blocks();
    test_many();
    test_network();
    test_network_refused();
    test_admit();
    return 0;
}
