/* The verb `ca`: makes the certificate authority and issues certificates for agents. Works offline
 * on files; the daemon is not asked. */
#pragma once

/* argv[0] is "ca". Returns the exit status of the CLI. */
int cli_ca(int argc, char **argv);
