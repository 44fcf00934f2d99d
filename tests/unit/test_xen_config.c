/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Guest configurations as libxl's own: what is refused before anything is
 * made, with the line of the text and what would be right.  libxlutil and
 * libxl's types need no hypervisor, so this runs where there is none.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifdef HAVE_XEN
#include "backends/xen/xen_inside.h"

static libxl_domain_config config;
static struct err err;
static uint32_t line;

static bool parse(const char *text, uint64_t mem_kib)
{
	libxl_domain_config_dispose(&config);
	libxl_domain_config_init(&config);
	err.text[0] = '\0';
	return xen_config_parse(text, "V1", mem_kib, &config, &line, &err);
}

#define START "name = \"V1\"\n" "type = \"pvh\"\n" "kernel = \"/bin/sh\"\n" \
	"memory = 64\n"

START_TEST(right_configuration_is_libxls_own)
{
	ck_assert_msg(parse(START "maxmem = 128\nvcpus = 2\ncap = 150\n"
	    "vif = [\"mac=00:16:3e:00:01:0a,bridge=br0\"]\n"
	    "disk = [\"format=raw,vdev=xvda,access=ro,target=/bin/sh\"]\n",
	    96 * KIB_PER_MIB), "%u: %s", line, err.text);
	ck_assert_int_eq(config.c_info.type, LIBXL_DOMAIN_TYPE_PVH);
	ck_assert_str_eq(config.c_info.name, "V1");
	ck_assert_uint_eq(config.b_info.target_memkb, 96 * KIB_PER_MIB);
	ck_assert_uint_eq(config.b_info.max_memkb, 128 * KIB_PER_MIB);
	ck_assert_int_eq(config.b_info.max_vcpus, 2);
	ck_assert_int_eq(config.b_info.sched_params.cap, 150);
	ck_assert_int_eq(config.num_nics, 1);
	ck_assert_uint_eq(config.nics[0].mac[5], 0x0a);
	ck_assert_int_eq(config.num_disks, 1);
	ck_assert_int_eq(config.disks[0].readwrite, 0);
}
END_TEST

/* One mistake each, the line it is on, and what is said to be right. */
static const struct mistake {
	const char *text;
	uint32_t line;
	const char *right;
} mistakes[] = {
    {"type = \"pvh\"\nkernel = \"/k\"\nmemory = 64\n", 0,
        "right is the VM's name"},
    {"name = \"V2\"\nkernel = \"/k\"\nmemory = 64\n", 1,
        "its name is V2, not V1"},
    {"name = \"V1\"\ntype = \"hvm\"\nkernel = \"/k\"\nmemory = 64\n", 2,
        "\"pvh\" or \"pv\""},
    {"name = \"V1\"\nmemory = 64\n", 0, "the path of a kernel"},
    {"name = \"V1\"\nkernel = \"/k\"\n", 0, "a size in MiB"},
    {START "\n# a comment\nkernal = \"/k\"\n", 7, "\"kernal\" is not"},
    {START "vcpus = 0\n", 5, "a number from 1 to 128"},
    {START "vcpus = 129\n", 5, "a number from 1 to 128"},
    {START "vcpus = many\n", 5, "language of xl.cfg(5)"},
    {START "vcpus = \"many\"\n", 5, "a number from 1 to 128"},
    {START "cpu_weight = 65536\n", 5, "a number from 1 to 65535"},
    {START "vcpus = 2\ncap = 201\n", 6, "a number from 0 to 200"},
    {START "maxmem = 32\n", 5, "not less than the memory"},
    {"name = \"V1\"\nkernel = \"/k\"\nmemory = 0\n", 3, "a number from 1"},
    {START "tsc_mode = \"fast\"\n", 5, "\"native\""},
    {START "uuid = \"1234\"\n", 5, "xxxxxxxx-xxxx"},
    {START "vif = [\"bridge\"]\n", 5, "mac=00:16:3e"},
    {START "vif = [\"mac=00:16:3e:00:01:010\"]\n", 5, "mac=00:16:3e"},
    {START "vif = [\"mac=01:16:3e:00:01:01\"]\n", 5, "mac=00:16:3e"},
    {START "disk = [\"colour=red,vdev=xvda\"]\n", 5,
        "xl-disk-configuration(5)"},
    {START "vif = [\n", 5, "language of xl.cfg(5)"},
};

START_TEST(mistake_is_told_with_its_line_and_what_is_right)
{
	const struct mistake *m = &mistakes[_i];

	ck_assert_msg(!parse(m->text, 0), "%s", m->text);
	ck_assert_msg(line == m->line, "%u: %s", line, err.text);
	ck_assert_msg(strstr(err.text, m->right), "%s", err.text);
	ck_assert(!strchr(err.text, '\n'));
}
END_TEST

/* What is wrong on this host alone: the line, and why. */
static void is_missing(const char *more, uint32_t at, const char *why)
{
	char text[1024];

	snprintf(text, sizeof(text), START "%s", more);
	ck_assert_msg(parse(text, 0), "%u: %s", line, err.text);
	ck_assert_msg(
	    !xen_config_is_here(text, &config, KIB_PER_GIB, &line, &err),
	    "%s", more);
	ck_assert_msg(line == at, "%u: %s", line, err.text);
	ck_assert_msg(strstr(err.text, why), "%s", err.text);
}

START_TEST(what_a_configuration_names_must_be_on_the_host)
{
	ck_assert(parse(START, 0));
	ck_assert_msg(
	    xen_config_is_here(START, &config, KIB_PER_GIB, &line, &err),
	    "%s", err.text);
	is_missing("ramdisk = \"/no/initrd\"\n", 5, "/no/initrd: No such file");
	is_missing("ramdisk = \"/\"\n", 5, "is a directory");
	is_missing("vif = [\"script=/no/script\"]\n", 5, "/no/script");
	is_missing("vif = [\"script=no-such\"]\n", 5, "/etc/xen/scripts/no");
	is_missing("disk = [\"vdev=xvda,target=/no/image\"]\n", 5,
	    "/no/image");
}
END_TEST

START_TEST(memory_that_no_guest_of_the_host_can_have_is_refused)
{
	ck_assert(parse(START, KIB_PER_GIB + PAGE_KIB));
	ck_assert(
	    !xen_config_is_here(START, &config, KIB_PER_GIB, &line, &err));
	ck_assert_uint_eq(line, 4);
	ck_assert(parse(START, KIB_PER_GIB));
	ck_assert(xen_config_is_here(START, &config, KIB_PER_GIB, &line, &err));
	ck_assert(xen_config_is_here(START, &config, 0, &line, &err));
}
END_TEST
#endif

int main(void)
{
#ifdef HAVE_XEN
	Suite *suite = suite_create("xen config");
	TCase *t = tcase_create("text");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_test(t, right_configuration_is_libxls_own);
	tcase_add_loop_test(t, mistake_is_told_with_its_line_and_what_is_right,
	    0, sizeof(mistakes) / sizeof(mistakes[0]));
	tcase_add_test(t, what_a_configuration_names_must_be_on_the_host);
	tcase_add_test(
	    t, memory_that_no_guest_of_the_host_can_have_is_refused);
	suite_add_tcase(suite, t);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
#else
	puts("SKIP libxl is not in this build");
	puts("0 passed, 0 failed, 1 skipped");
	return EXIT_SUCCESS;
#endif
}
