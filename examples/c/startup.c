/* Start-up code of a product without a TPM chip and without a daemon: a TPM in this process, from the product's secret and a value of
 * the device. The same key comes back at every start, and on no other device.
 *
 *   cc -o startup startup.c $(pkg-config --cflags --libs ironroot) && ./startup /var/lib/example/tpm
 */
#include <ironroot.h>
#include <stdio.h>

/* A product reads this from its protected storage, or names a file with white-box tables (ironroot_product_open). */
static void product_secret(uint8_t secret[32]) {
    for (int at = 0; at < 32; at++) secret[at] = (uint8_t)(7 * at + 1);
}

/* A product reads its fuses, or asks for a source by name (ironroot_device_read). */
static size_t device_value(uint8_t value[16]) {
    for (int at = 0; at < 16; at++) value[at] = (uint8_t)(11 * at + 3);
    return 16;
}

int main(int count, char **words) {
    if (count != 2) {
        fprintf(stderr, "usage: startup FOLDER\n");
        return 2;
    }
    ironroot_product *product = NULL;
    ironroot_device *device = NULL;
    ironroot_tpm *tpm = NULL;
    ironroot_key *key = NULL;
    ironroot_buffer csr = {0};
    uint8_t secret[32], value[16];
    product_secret(secret);
    size_t length = device_value(value);
    if (ironroot_product_new(secret, sizeof secret, &product) ||
        ironroot_device_new(&product, value, length, IRONROOT_GRADE_FUSED, &device) ||
        ironroot_start(&device, words[1], IRONROOT_START_EITHER, &tpm) ||
        ironroot_key_create(tpm, "cloud", NULL, &key) || ironroot_key_csr(key, "CN=dev1", NULL, &csr)) {
        fprintf(stderr, "%s\n", ironroot_error_message());
        ironroot_product_free(product);
        ironroot_device_free(device);
        ironroot_tpm_free(tpm);
        ironroot_key_free(key);
        return 1;
    }
    fputs((const char *)csr.data, stdout);
    ironroot_buffer_free(&csr);
    ironroot_key_free(key);
    ironroot_tpm_free(tpm);
    return 0;
}
