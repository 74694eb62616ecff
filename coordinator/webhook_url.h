/* Which URLs may be posted to. Apart from webhook.h, so that what reads a configuration needs no HTTP. */
#pragma once

/* NULL for https://HOST[:PORT]/..., or http:// on a loopback address; else what was expected. No user in it: what is secret
 * comes from files. */
const char *webhook_url_expected(const char *url);
