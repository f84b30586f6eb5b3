/* Everything that the C API has, and everything that it has to refuse. Results are written to files, for api.sh to show to OpenSSL.
 *
 *   api client                    against the TPM that the environment names
 *   api global SECRET             a global secret has to be the one that is given in hexadecimal; "" if there has to be none
 *   api start FOLDER VALUE        a TPM of this process; prints the fingerprint of its key "web"
 *   api order FOLDER              start-up in every wrong order, and on the wrong device
 */
#include <ironroot.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(condition) \
    do { \
        if (!(condition)) { \
            fprintf(stderr, "%s:%d: %s; the library said: %s\n", __FILE__, __LINE__, #condition, ironroot_error_message()); \
            exit(1); \
        } \
    } while (0)

static void ok(ironroot_code code, int line) {
    if (code != IRONROOT_OK || *ironroot_error_message()) {
        fprintf(stderr, "line %d: code %d: %s\n", line, code, ironroot_error_message());
        exit(1);
    }
}
#define OK(call) ok((call), __LINE__)

static void no(ironroot_code code, ironroot_code wanted, const char *words, int line) {
    if (code != wanted || !strstr(ironroot_error_message(), words)) {
        fprintf(stderr, "line %d: code %d, not %d with \"%s\": %s\n", line, code, wanted, words, ironroot_error_message());
        exit(1);
    }
}
#define NO(call, wanted, words) no((call), (wanted), (words), __LINE__)

static const char *text(const ironroot_buffer *buffer) { return (const char *)buffer->data; }
static const uint8_t *raw(const char *text) { return (const uint8_t *)text; }

static void keep(const char *name, const ironroot_buffer *buffer) {
    FILE *file = fopen(name, "wb");
    CHECK(file && fwrite(buffer->data, 1, buffer->length, file) == buffer->length && fclose(file) == 0);
    CHECK(buffer->data[buffer->length] == 0);
}

static bool same(const ironroot_buffer *one, const ironroot_buffer *other) {
    return one->length == other->length && memcmp(one->data, other->data, one->length) == 0;
}

static void *sign_often(void *key) {
    for (int round = 0; round < 4; round++) {
        ironroot_buffer signature;
        OK(ironroot_key_sign(key, NULL, raw("m"), 1, &signature));
        ironroot_buffer_free(&signature);
        /* Each thread has its own message. */
        NO(ironroot_key_sign(key, "rot13", raw("m"), 1, &signature), IRONROOT_ARGUMENT, "rot13");
    }
    return NULL;
}

static void keys(ironroot_tpm *tpm) {
    ironroot_key *key, *again, *ca, *other = (ironroot_key *)tpm;
    ironroot_buffer one, two;
    bool there;

    NO(ironroot_key_open(tpm, "web", NULL, &other), IRONROOT_FILE, "has no \"web\"");
    CHECK(other == NULL);
    OK(ironroot_key_create(tpm, "web", NULL, &key));
    OK(ironroot_key_exists(tpm, "web", &there));
    CHECK(there);
    OK(ironroot_key_open(tpm, "name:web", NULL, &again));
    OK(ironroot_key_fingerprint(key, &one));
    OK(ironroot_key_fingerprint(again, &two));
    CHECK(same(&one, &two) && one.length == 64);
    ironroot_buffer_free(&one);
    ironroot_buffer_free(&two);
    ironroot_key_free(again);
    NO(ironroot_key_create(tpm, "web", "ecc-p384", &other), IRONROOT_FILE, "would be another key");
    NO(ironroot_key_create(tpm, "web", "ecc-p257", &other), IRONROOT_ARGUMENT, "expected one of ecc-p256");
    NO(ironroot_key_create(tpm, "", NULL, &other), IRONROOT_ARGUMENT, "it is empty");
    NO(ironroot_key_create(tpm, "\xff", NULL, &other), IRONROOT_ARGUMENT, "name is not UTF-8");
    NO(ironroot_key_open(tpm, "file:no-such-file", NULL, &other), IRONROOT_FILE, "no-such-file");
    NO(ironroot_key_open(tpm, "handle:0x81004444", NULL, &other), IRONROOT_KEY, "no key is there");
    NO(ironroot_key_open(tpm, "handle:77", NULL, &other), IRONROOT_ARGUMENT, "no persistent handle");

    OK(ironroot_key_public_pem(key, &one));
    keep("public.pem", &one);
    OK(ironroot_key_schemes(key, &two));
    CHECK(strcmp(text(&two), "ecdsa-sha256") == 0);
    ironroot_buffer_free(&two);
    OK(ironroot_key_jwk(key, &two));
    CHECK(strstr(text(&two), "\"P-256\""));
    ironroot_buffer_free(&two);
    OK(ironroot_key_sign(key, "ecdsa-sha256", raw("a message"), 9, &two));
    keep("signature", &two);
    ironroot_buffer_free(&two);
    OK(ironroot_key_sign(key, NULL, NULL, 0, &two));
    ironroot_buffer_free(&two);

    pthread_t threads[4];
    for (int at = 0; at < 4; at++) CHECK(pthread_create(&threads[at], NULL, sign_often, key) == 0);
    for (int at = 0; at < 4; at++) CHECK(pthread_join(threads[at], NULL) == 0);

    /* Tokens. */
    ironroot_buffer token, claims;
    OK(ironroot_jwt_sign(key, "{\"sub\":\"dev1\",\"aud\":\"cloud\"}", 60, &token));
    keep("token", &token);
    OK(ironroot_jwt_verify(text(&token), text(&one), "cloud", NULL, 0, false, &claims));
    CHECK(strstr(text(&claims), "\"sub\":\"dev1\"") && strstr(text(&claims), "\"exp\":"));
    ironroot_buffer_free(&claims);
    NO(ironroot_jwt_verify(text(&token), text(&one), "fog", NULL, 0, false, &claims), IRONROOT_REFUSED, "not for \"fog\"");
    token.data[token.length / 2] ^= 1;
    NO(ironroot_jwt_verify(text(&token), text(&one), "cloud", NULL, 0, false, &claims), IRONROOT_REFUSED, "refused");
    CHECK(claims.data == NULL && claims.length == 0);
    ironroot_buffer_free(&token);
    OK(ironroot_jwt_sign_with(key, "{}", 0, "ES256", "key-1", &token));
    NO(ironroot_jwt_verify(text(&token), text(&one), NULL, NULL, 0, false, &claims), IRONROOT_REFUSED, "no end");
    OK(ironroot_jwt_verify(text(&token), text(&one), NULL, NULL, 0, true, &claims));
    ironroot_buffer_free(&claims);
    ironroot_buffer_free(&token);
    NO(ironroot_jwt_sign_with(key, "{}", 0, "RS256", NULL, &token), IRONROOT_KEY, "but with ES256");
    NO(ironroot_jwt_sign(key, "[1]", 0, &token), IRONROOT_ARGUMENT, "JSON object");
    NO(ironroot_jwt_verify("a.b", text(&one), NULL, NULL, 0, false, &claims), IRONROOT_REFUSED, "three parts");
    NO(ironroot_jwt_verify("a.b.c", "no key", NULL, NULL, 0, false, &claims), IRONROOT_KEY, "PUBLIC KEY");
    ironroot_buffer_free(&one);

    /* Certificates. */
    const char *dns[] = {"dev1.example", "dev1", NULL};
    ironroot_buffer csr, root, leaf;
    OK(ironroot_key_csr(key, "CN=dev1,O=Example", dns, &csr));
    keep("dev.csr", &csr);
    OK(ironroot_key_create(tpm, "ca", "ecc-p384", &ca));
    OK(ironroot_key_self_signed(ca, NULL, NULL, "ca", 10, &root));
    keep("ca.pem", &root);
    OK(ironroot_key_issue(ca, text(&root), text(&csr), NULL, 5, &leaf));
    keep("leaf.pem", &leaf);
    ironroot_buffer_free(&leaf);
    NO(ironroot_key_issue(key, text(&root), text(&csr), NULL, 5, &leaf), IRONROOT_REFUSED, "another key");
    NO(ironroot_key_issue(ca, text(&root), text(&root), NULL, 5, &leaf), IRONROOT_REFUSED, "CERTIFICATE REQUEST");
    NO(ironroot_key_self_signed(ca, "no name", NULL, NULL, 1, &leaf), IRONROOT_ARGUMENT, "subject");
    NO(ironroot_key_self_signed(ca, NULL, NULL, "all", 1, &leaf), IRONROOT_ARGUMENT, "\"all\"");
    ironroot_buffer_free(&csr);
    ironroot_buffer_free(&root);
    ironroot_key_free(ca);

    OK(ironroot_key_names(tpm, &one));
    CHECK(strcmp(text(&one), "{\"ca\":\"ecc-p384\",\"web\":\"ecc-p256\"}") == 0);
    ironroot_buffer_free(&one);
    OK(ironroot_key_remove(tpm, "ca", &there));
    CHECK(there);
    OK(ironroot_key_remove(tpm, "ca", &there));
    CHECK(!there);
    ironroot_key_free(key);
}

static void secrets(ironroot_tpm *tpm) {
    ironroot_buffer one, two, pem;
    OK(ironroot_unique_secret(tpm, "disk", 32, &one));
    OK(ironroot_unique_secret(tpm, "disk", 32, &two));
    CHECK(same(&one, &two) && one.length == 32);
    ironroot_buffer_free(&two);
    OK(ironroot_unique_secret(tpm, "disc", 32, &two));
    CHECK(!same(&one, &two));
    ironroot_buffer_free(&one);
    ironroot_buffer_free(&one);
    CHECK(one.data == NULL && one.length == 0);
    ironroot_buffer_free(&two);
    NO(ironroot_unique_secret(tpm, "disk", 0, &one), IRONROOT_ARGUMENT, "1 to 8160");

    OK(ironroot_seal(tpm, raw("sealed"), 6, raw("pw"), 2, "sha256:16", NULL, &pem));
    OK(ironroot_unseal(tpm, text(&pem), raw("pw"), 2, NULL, NULL, 0, &one));
    CHECK(one.length == 6 && memcmp(one.data, "sealed", 6) == 0);
    ironroot_buffer_free(&one);
    NO(ironroot_unseal(tpm, text(&pem), raw("pq"), 2, NULL, NULL, 0, &one), IRONROOT_REFUSED, "password is wrong");
    /* TPM2_PCR_Extend(16) by hand: a raw command with an empty password. */
    const uint8_t extend[] = "\x80\x02\x00\x00\x00\x41\x00\x00\x01\x82\x00\x00\x00\x10\x00\x00\x00\x09\x40\x00\x00\x09\x00\x00\x00\x00\x00"
                             "\x00\x00\x00\x01\x00\x0b"
                             "0123456789abcdef0123456789abcdef";
    OK(ironroot_command(tpm, extend, sizeof extend - 1, &one));
    CHECK(one.length == 19 && memcmp(one.data + 6, "\0\0\0", 4) == 0);
    ironroot_buffer_free(&one);
    NO(ironroot_unseal(tpm, text(&pem), raw("pw"), 2, NULL, NULL, 0, &one), IRONROOT_REFUSED, "PCRs have other values");
    ironroot_buffer_free(&pem);
    NO(ironroot_seal(tpm, raw("x"), 1, NULL, 0, "sha257:1", NULL, &pem), IRONROOT_ARGUMENT, "sha257");
    NO(ironroot_seal(tpm, NULL, 0, NULL, 0, NULL, NULL, &pem), IRONROOT_REFUSED, "1 to 128");
    NO(ironroot_unseal(tpm, "nothing", NULL, 0, NULL, NULL, 0, &one), IRONROOT_KEY, "key file");

    OK(ironroot_encryption_key(tpm, "mail", &pem));
    OK(ironroot_encrypt(text(&pem), raw("plain"), 5, &one));
    OK(ironroot_decrypt(tpm, "mail", one.data, one.length, &two));
    CHECK(two.length == 5 && memcmp(two.data, "plain", 5) == 0);
    ironroot_buffer_free(&two);
    one.data[one.length - 1] ^= 1;
    NO(ironroot_decrypt(tpm, "mail", one.data, one.length, &two), IRONROOT_REFUSED, "cannot be decrypted");
    ironroot_buffer_free(&one);
    ironroot_buffer_free(&pem);

    OK(ironroot_random(tpm, 100, &one));
    CHECK(one.length == 100);
    ironroot_buffer_free(&one);
    NO(ironroot_random(tpm, (size_t)-1, &one), IRONROOT_ARGUMENT, "more than");
    NO(ironroot_command(tpm, extend, 20, &one), IRONROOT_ARGUMENT, "header");
    NO(ironroot_command(tpm, extend, 0, &one), IRONROOT_ARGUMENT, "header");
}

/* Every function with every pointer NULL: a code, never a crash. */
static void nothing(ironroot_tpm *tpm) {
    ironroot_buffer buffer;
    ironroot_key *key;
    bool truth;
    NO(ironroot_connect(NULL, NULL), IRONROOT_ARGUMENT, "NULL");
    NO(ironroot_connect_with(NULL, NULL, NULL, 1, NULL, 0, &tpm), IRONROOT_ARGUMENT, "endorsement_auth is NULL");
    NO(ironroot_key_create(NULL, "web", NULL, &key), IRONROOT_ARGUMENT, "tpm is NULL");
    NO(ironroot_key_create(tpm, NULL, NULL, &key), IRONROOT_ARGUMENT, "NULL");
    NO(ironroot_key_create(tpm, "web", NULL, NULL), IRONROOT_ARGUMENT, "NULL");
    NO(ironroot_key_open(NULL, NULL, NULL, &key), IRONROOT_ARGUMENT, "NULL");
    NO(ironroot_key_open_with(NULL, NULL, NULL, NULL, 1, &key), IRONROOT_ARGUMENT, "NULL");
    NO(ironroot_key_exists(NULL, NULL, &truth), IRONROOT_ARGUMENT, "NULL");
    NO(ironroot_key_exists(NULL, NULL, NULL), IRONROOT_ARGUMENT, "NULL");
    NO(ironroot_key_remove(NULL, NULL, &truth), IRONROOT_ARGUMENT, "NULL");
    NO(ironroot_key_names(NULL, &buffer), IRONROOT_ARGUMENT, "NULL");
    NO(ironroot_key_public_pem(NULL, &buffer), IRONROOT_ARGUMENT, "key is NULL");
    NO(ironroot_key_fingerprint(NULL, &buffer), IRONROOT_ARGUMENT, "NULL");
    NO(ironroot_key_jwk(NULL, &buffer), IRONROOT_ARGUMENT, "NULL");
    NO(ironroot_key_schemes(NULL, &buffer), IRONROOT_ARGUMENT, "NULL");
    NO(ironroot_key_sign(NULL, NULL, NULL, 0, &buffer), IRONROOT_ARGUMENT, "NULL");
    NO(ironroot_key_csr(NULL, NULL, NULL, &buffer), IRONROOT_ARGUMENT, "NULL");
    NO(ironroot_key_self_signed(NULL, NULL, NULL, NULL, 1, &buffer), IRONROOT_ARGUMENT, "NULL");
    NO(ironroot_key_issue(NULL, NULL, NULL, NULL, 1, &buffer), IRONROOT_ARGUMENT, "NULL");
    NO(ironroot_jwt_sign(NULL, NULL, 0, &buffer), IRONROOT_ARGUMENT, "NULL");
    NO(ironroot_jwt_sign_with(NULL, NULL, 0, NULL, NULL, NULL), IRONROOT_ARGUMENT, "NULL");
    NO(ironroot_jwt_verify(NULL, NULL, NULL, NULL, 0, false, &buffer), IRONROOT_ARGUMENT, "NULL");
    NO(ironroot_unique_secret(NULL, NULL, 1, &buffer), IRONROOT_ARGUMENT, "NULL");
    NO(ironroot_global_secret(NULL, NULL, 1, &buffer), IRONROOT_ARGUMENT, "NULL");
    NO(ironroot_seal(NULL, NULL, 1, NULL, 0, NULL, NULL, &buffer), IRONROOT_ARGUMENT, "NULL");
    NO(ironroot_unseal(NULL, NULL, NULL, 0, NULL, NULL, 0, &buffer), IRONROOT_ARGUMENT, "NULL");
    NO(ironroot_encryption_key(NULL, NULL, &buffer), IRONROOT_ARGUMENT, "NULL");
    NO(ironroot_encrypt(NULL, NULL, 0, &buffer), IRONROOT_ARGUMENT, "NULL");
    NO(ironroot_decrypt(NULL, NULL, NULL, 0, &buffer), IRONROOT_ARGUMENT, "NULL");
    NO(ironroot_random(NULL, 1, &buffer), IRONROOT_ARGUMENT, "NULL");
    NO(ironroot_command(NULL, NULL, 1, &buffer), IRONROOT_ARGUMENT, "NULL");
    NO(ironroot_product_new(NULL, 32, NULL), IRONROOT_ARGUMENT, "NULL");
    NO(ironroot_product_open(NULL, NULL), IRONROOT_ARGUMENT, "NULL");
    NO(ironroot_device_new(NULL, NULL, 0, 0, NULL), IRONROOT_ARGUMENT, "NULL");
    NO(ironroot_device_read(NULL, NULL, 0, NULL), IRONROOT_ARGUMENT, "NULL");
    NO(ironroot_start(NULL, NULL, 0, NULL), IRONROOT_ARGUMENT, "NULL");
    ironroot_buffer_free(NULL);
    ironroot_key_free(NULL);
    ironroot_tpm_free(NULL);
    ironroot_product_free(NULL);
    ironroot_device_free(NULL);
}

static void client(void) {
    ironroot_tpm *tpm, *none;
    ironroot_buffer buffer;
    NO(ironroot_connect("fax:number=1", &none), IRONROOT_ARGUMENT, "\"fax\" is not known");
    NO(ironroot_connect("swtpm:port=1", &none), IRONROOT_CONNECTION, "connection refused");
    CHECK(none == NULL);
    OK(ironroot_connect(NULL, &tpm));
    nothing(NULL);
    keys(tpm);
    secrets(tpm);
    ironroot_key *key;
    OK(ironroot_key_create(tpm, "web", NULL, &key));
    ironroot_tpm_free(tpm);
    /* A key outlives the TPM's handle. */
    OK(ironroot_key_sign(key, NULL, raw("m"), 1, &buffer));
    ironroot_buffer_free(&buffer);
    ironroot_key_free(key);
    CHECK(strcmp(ironroot_version(), "") > 0);
}

static void global(const char *wanted) {
    ironroot_tpm *tpm;
    ironroot_buffer secret;
    char hex[65] = "";
    OK(ironroot_connect(NULL, &tpm));
    if (!*wanted) {
        NO(ironroot_global_secret(tpm, "fleet", 32, &secret), IRONROOT_KEY, "base of global secrets");
    } else {
        OK(ironroot_global_secret(tpm, "fleet", 32, &secret));
        for (size_t at = 0; at < secret.length; at++) snprintf(hex + 2 * at, 3, "%02x", secret.data[at]);
        CHECK(strcmp(hex, wanted) == 0);
        ironroot_buffer_free(&secret);
    }
    ironroot_tpm_free(tpm);
}

static ironroot_product *product(uint8_t first) {
    uint8_t secret[32];
    ironroot_product *product;
    for (int at = 0; at < 32; at++) secret[at] = (uint8_t)(first + at);
    OK(ironroot_product_new(secret, sizeof secret, &product));
    for (int at = 0; at < 32; at++) CHECK(secret[at] == 0);
    return product;
}

static ironroot_device *device(uint8_t first, const char *value) {
    ironroot_product *made = product(first);
    ironroot_device *device;
    OK(ironroot_device_new(&made, raw(value), strlen(value), IRONROOT_GRADE_FUSED, &device));
    CHECK(made == NULL);
    return device;
}

static void start(const char *folder, const char *value) {
    ironroot_tpm *tpm;
    ironroot_key *key;
    ironroot_buffer buffer;
    ironroot_device *made = device(0, value);
    OK(ironroot_start(&made, folder, IRONROOT_START_EITHER, &tpm));
    CHECK(made == NULL);
    OK(ironroot_key_create(tpm, "web", NULL, &key));
    OK(ironroot_key_fingerprint(key, &buffer));
    printf("%s", text(&buffer));
    ironroot_buffer_free(&buffer);
    OK(ironroot_global_secret(tpm, "fleet", 32, &buffer));
    printf(" ");
    for (size_t at = 0; at < buffer.length; at++) printf("%02x", buffer.data[at]);
    printf("\n");
    ironroot_buffer_free(&buffer);
    ironroot_key_free(key);
    ironroot_tpm_free(tpm);
}

/* The four rules of initialization. */
static void order(const char *folder) {
    ironroot_product *made = NULL;
    ironroot_device *here = NULL;
    ironroot_tpm *tpm;
    /* One: the product first, and set. */
    uint8_t unset[32] = {0};
    NO(ironroot_product_new(unset, 32, &made), IRONROOT_INITIALIZATION, "never set");
    NO(ironroot_product_new(unset, 31, &made), IRONROOT_ARGUMENT, "32 bytes, not 31");
    NO(ironroot_product_open("no-such-secret", &made), IRONROOT_INITIALIZATION, "no-such-secret");
    NO(ironroot_device_new(&made, raw("value"), 5, IRONROOT_GRADE_FUSED, &here), IRONROOT_STATE, "the step before failed");
    /* Two: a device value that is there and strong enough. */
    NO(ironroot_start(&here, folder, IRONROOT_START_EITHER, &tpm), IRONROOT_STATE, "the step before failed");
    made = product(0);
    NO(ironroot_device_new(&made, NULL, 0, IRONROOT_GRADE_FUSED, &here), IRONROOT_INITIALIZATION, "empty");
    CHECK(made == NULL && here == NULL);
    made = product(0);
    NO(ironroot_device_new(&made, raw("\xff\xff\xff\xff"), 4, IRONROOT_GRADE_FUSED, &here), IRONROOT_INITIALIZATION, "never set");
    made = product(0);
    NO(ironroot_device_new(&made, raw("value"), 5, 9, &here), IRONROOT_ARGUMENT, "grade is 9");
    made = product(0);
    NO(ironroot_device_read(&made, "file:no-such-fuses", IRONROOT_GRADE_DISK, &here), IRONROOT_INITIALIZATION, "no-such-fuses");
    made = product(0);
    NO(ironroot_device_read(&made, "file:value", IRONROOT_GRADE_FUSED, &here), IRONROOT_INITIALIZATION, "too easy to copy");
    made = product(0);
    NO(ironroot_device_read(&made, "tea-leaves", IRONROOT_GRADE_DISK, &here), IRONROOT_ARGUMENT, "tea-leaves");
    /* Three: no key before the end: there is no function that takes a product or a device. Four: nothing changes afterwards. */
    here = device(0, "this device");
    NO(ironroot_start(&here, folder, IRONROOT_START_OPEN, &tpm), IRONROOT_INITIALIZATION, "there is no TPM");
    here = device(0, "this device");
    NO(ironroot_start(&here, folder, 7, &tpm), IRONROOT_ARGUMENT, "how is 7");
    here = device(0, "this device");
    OK(ironroot_start(&here, folder, IRONROOT_START_ENROLL, &tpm));
    here = device(0, "this device");
    ironroot_tpm *second;
    NO(ironroot_start(&here, folder, IRONROOT_START_OPEN, &second), IRONROOT_FILE, "");
    CHECK(second == NULL);
    ironroot_tpm_free(tpm);
    here = device(0, "this device");
    NO(ironroot_start(&here, folder, IRONROOT_START_ENROLL, &tpm), IRONROOT_INITIALIZATION, "a TPM already");
    here = device(0, "that device");
    NO(ironroot_start(&here, folder, IRONROOT_START_EITHER, &tpm), IRONROOT_INITIALIZATION, "another identity");
    here = device(1, "this device");
    NO(ironroot_start(&here, folder, IRONROOT_START_OPEN, &tpm), IRONROOT_INITIALIZATION, "product secret is not the one");
    here = device(0, "this device");
    OK(ironroot_start(&here, folder, IRONROOT_START_OPEN, &tpm));
    ironroot_tpm_free(tpm);
    made = product(0);
    ironroot_product_free(made);
    here = device(0, "this device");
    ironroot_device_free(here);
}

int main(int count, char **words) {
    if (count == 2 && strcmp(words[1], "client") == 0) client();
    else if (count == 3 && strcmp(words[1], "global") == 0) global(words[2]);
    else if (count == 4 && strcmp(words[1], "start") == 0) start(words[2], words[3]);
    else if (count == 3 && strcmp(words[1], "order") == 0) order(words[2]);
    else return 2;
    return 0;
}
