/* Signs with the key "web", and waits: for those who look into its memory. With a folder, the TPM is in this process. */
#include <ironroot.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int failed(void) {
    fprintf(stderr, "%s\n", ironroot_error_message());
    return 1;
}

int main(int count, char **words) {
    ironroot_tpm *tpm = NULL;
    ironroot_key *key = NULL;
    ironroot_buffer signature = {0};
    if (count == 4) {
        ironroot_product *product = NULL;
        ironroot_device *device = NULL;
        if (ironroot_product_open(words[2], &product) ||
            ironroot_device_new(&product, (const uint8_t *)words[3], strlen(words[3]), IRONROOT_GRADE_FUSED, &device) ||
            ironroot_start(&device, words[1], IRONROOT_START_EITHER, &tpm))
            return failed();
    } else if (ironroot_connect(NULL, &tpm)) {
        return failed();
    }
    if (ironroot_key_create(tpm, "web", NULL, &key) || ironroot_key_sign(key, NULL, (const uint8_t *)"m", 1, &signature)) return failed();
    ironroot_buffer_free(&signature);
    puts("ready");
    fflush(stdout);
    pause();
    return 0;
}
