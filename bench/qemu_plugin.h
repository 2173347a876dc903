// SPDX-License-Identifier: MIT
/*
 * qemu_plugin.h: the part of QEMU's TCG plugin interface, version 1, that
 * insn.c uses.
 *
 * Debian ships no header for plugins, and fetching QEMU's sources for one is a
 * hundred megabytes. The interface is stable and these are its declarations as
 * its manual describes them, so a plugin needs nothing but a C compiler.
 *
 * Source: [QEMU] docs/devel/tcg-plugins.rst
 */
#ifndef BENCH_QEMU_PLUGIN_H
#define BENCH_QEMU_PLUGIN_H

#include <stddef.h>
#include <stdint.h>

#define PLUGIN_EXPORT __attribute__((visibility("default")))

typedef uint64_t qemu_plugin_id_t;
struct qemu_info_t;      // about the guest; not looked at
struct qemu_plugin_tb;   // a translated block, while it is being translated
struct qemu_plugin_insn; // one instruction of it

typedef void block_fn(qemu_plugin_id_t id, struct qemu_plugin_tb *tb);
typedef void step_fn(unsigned vcpu, void *user);
typedef void exit_fn(qemu_plugin_id_t id, void *user);

enum { PLUGIN_NO_REGS = 0 };    // enum qemu_plugin_cb_flags
enum { PLUGIN_INLINE_ADD = 0 }; // enum qemu_plugin_op

void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id, block_fn *fn);
void qemu_plugin_register_atexit_cb(qemu_plugin_id_t id, exit_fn *fn,
                                    void *user);

// Call `fn`, or add `value` to *counter, each time the block or instruction is
// about to be executed.
void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *tb,
                                          step_fn *fn, int flags, void *user);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *insn,
                                            step_fn *fn, int flags, void *user);
void qemu_plugin_register_vcpu_insn_exec_inline(struct qemu_plugin_insn *insn,
                                                int op, void *counter,
                                                uint64_t value);

size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *
qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t index);
const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *insn);
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *insn);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *insn);

#endif
