// SPDX-License-Identifier: MIT
/*
 * status.h: the pages /status (text) and /status.json.
 *
 * status.c reports what this server did. What is known of the machine around
 * it is reported by status_machine(), of which each system has its own: on
 * Linux status_linux.c. It reads what the system exposes to everyone, asks no
 * one, and takes time in proportion to what it reports.
 */
#ifndef HTTPD_STATUS_H
#define HTTPD_STATUS_H

#include "cache.h"
#include "report.h"

/* Makes one of the pages; null: no memory for it, or it would be too long. */
struct item *status_make(bool json);

/* Adds groups and tables about the machine. The first is the group "machine"
 * with at least {text system, text release}. */
void status_machine(struct report *report);

#endif
