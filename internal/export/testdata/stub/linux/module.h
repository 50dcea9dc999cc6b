/* Declarations of include/linux/module.h, without effect. */
#define MODULE_DESCRIPTION(text) extern int stub_module
#define MODULE_LICENSE(text) extern int stub_module
