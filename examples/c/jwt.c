/* A signed token from the key "cloud" of this machine's TPM.
 *
 *   cc -o jwt jwt.c $(pkg-config --cflags --libs ironroot) && ./jwt
 */
#include <ironroot.h>
#include <stdio.h>

int main(void) {
    ironroot_tpm *tpm = NULL;
    ironroot_key *key = NULL;
    ironroot_buffer token = {0};
    if (ironroot_connect(NULL, &tpm) || ironroot_key_create(tpm, "cloud", NULL, &key) ||
        ironroot_jwt_sign(key, "{\"sub\":\"dev1\"}", 3600, &token)) {
        fprintf(stderr, "%s\n", ironroot_error_message());
        return 1;
    }
    puts((const char *)token.data);
    ironroot_buffer_free(&token);
    ironroot_key_free(key);
    ironroot_tpm_free(tpm);
    return 0;
}
