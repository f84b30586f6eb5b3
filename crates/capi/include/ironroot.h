/* Ironroot: keys, certificates, tokens and secrets of any TPM 2.0, for C.
 *
 * Generated from crates/capi by cbindgen; a test compares the two. Documentation: docs/c.md.
 *
 * Every function that can fail returns a code, IRONROOT_OK (0) if it did what it says. Of the last call that this
 * thread made, ironroot_error_message() has the text: what failed, why, and what to do next.
 *
 * - Text is UTF-8 that ends with a zero byte. Where a description says so, NULL stands for a default. Any other NULL is
 *   IRONROOT_ARGUMENT, never a crash. Bytes come with their length; NULL is fine for none.
 * - A pointer that is not NULL has to point to what its type says. Nothing is kept of an argument after the call.
 * - Results are written where the last argument points. A failed call writes NULL or an empty buffer there.
 * - A handle may be used by several threads at once; they take turns at the TPM. It is freed once, by its function, when no
 *   other thread uses it any more. Keys outlive the TPM's handle. NULL may be freed.
 * - Buffers are freed by ironroot_buffer_free, which wipes them first. The data of each ends with a zero byte that is not
 *   counted in its length, so that text can be printed.
 */

#ifndef IRONROOT_H
#define IRONROOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// How hard a device value is to copy: with the disk (a file, machine-id).
#define IRONROOT_GRADE_DISK 0

// Not on the disk, but readable and settable in software (a MAC address, DMI data).
#define IRONROOT_GRADE_READABLE 1

// Fused into the chip, readable by privileged software.
#define IRONROOT_GRADE_FUSED 2

// Never leaves hardware but to the secure world.
#define IRONROOT_GRADE_HARDWARE 3

// What ironroot_start does: open the TPM that is in the folder; that there is none is an error.
#define IRONROOT_START_OPEN 0

// Manufacture a TPM; that there is one is an error.
#define IRONROOT_START_ENROLL 1

// Open the TPM, or manufacture it if there is none.
#define IRONROOT_START_EITHER 2

// What a call returns.
typedef enum ironroot_code {
  // It did what it says.
  IRONROOT_OK = 0,
  // An argument that cannot be used: missing, malformed, out of range.
  IRONROOT_ARGUMENT = 1,
  // No TPM answers.
  IRONROOT_CONNECTION = 2,
  // The TPM refused, or its answer does not check out; see ironroot_error_response_code.
  IRONROOT_TPM = 3,
  // The key cannot be had, or cannot do this.
  IRONROOT_KEY = 4,
  // The list of names, or a file.
  IRONROOT_FILE = 5,
  // What was given does not hold: a token, a ciphertext, a password, a condition, a certificate.
  IRONROOT_REFUSED = 6,
  // The product secret or the device value is missing, weak, or another one than at first.
  IRONROOT_INITIALIZATION = 7,
  // Called in the wrong order, or after a defect.
  IRONROOT_STATE = 8,
  // The machine gave no random bytes or no memory.
  IRONROOT_SYSTEM = 9,
  // A defect of this library: please report it.
  IRONROOT_DEFECT = 10,
} ironroot_code;

// Step two of start-up: the device is known.
typedef struct ironroot_device ironroot_device;

// A key in a TPM.
typedef struct ironroot_key ironroot_key;

// Step one of start-up: the product is known.
typedef struct ironroot_product ironroot_product;

// A TPM.
typedef struct ironroot_tpm ironroot_tpm;

// Bytes that the library gives, for ironroot_buffer_free. A zero byte follows them.
typedef struct ironroot_buffer {
  // The bytes; NULL if there are none. Read them, and leave the two members as they are.
  uint8_t *data;
  // How many, without the zero byte at the end.
  size_t length;
} ironroot_buffer;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

// Wipes a buffer and frees it. It is empty afterwards; freeing an empty one does nothing.
void ironroot_buffer_free(struct ironroot_buffer *buffer);

// Why this thread's last call failed, for people; empty if it did not. Valid until the thread's next call or its end.
const char *ironroot_error_message(void);

// The TPM's response code, if this thread's last call failed because the TPM refused; else 0.
uint32_t ironroot_error_response_code(void);

// The library's version.
const char *ironroot_version(void);

// Gives a key up. The key itself stays what it was.
void ironroot_key_free(struct ironroot_key *key);

// The public key as a PEM PUBLIC KEY.
enum ironroot_code ironroot_key_public_pem(const struct ironroot_key *key, struct ironroot_buffer *pem);

// SHA-256 of the public key's DER form, in hexadecimal.
enum ironroot_code ironroot_key_fingerprint(const struct ironroot_key *key,
                                            struct ironroot_buffer *fingerprint);

// The public key in the form of RFC 7517 (JSON).
enum ironroot_code ironroot_key_jwk(const struct ironroot_key *key, struct ironroot_buffer *jwk);

// How the key can sign, best first, with commas between: "ecdsa-sha256", "rsassa-sha256", "rsapss-sha256", "eddsa", "ml-dsa", ...
enum ironroot_code ironroot_key_schemes(const struct ironroot_key *key,
                                        struct ironroot_buffer *schemes);

// Signs a message with one of the key's schemes, or with its first (NULL). The signature has the form that X.509 and TLS use: DER for
// ECDSA.
enum ironroot_code ironroot_key_sign(const struct ironroot_key *key,
                                     const char *scheme,
                                     const uint8_t *message,
                                     size_t length,
                                     struct ironroot_buffer *signature);

// A certificate request (PEM). The subject is written as in RFC 4514, "CN=dev1,O=Example"; NULL is the key's name. The DNS names end
// with a NULL; none if NULL.
enum ironroot_code ironroot_key_csr(const struct ironroot_key *key,
                                    const char *subject,
                                    const char *const *dns,
                                    struct ironroot_buffer *pem);

// A certificate for this key by this key (PEM); subject and DNS names as for ironroot_key_csr. The usage is "both", "client",
// "server" or "ca"; NULL is "both".
enum ironroot_code ironroot_key_self_signed(const struct ironroot_key *key,
                                            const char *subject,
                                            const char *const *dns,
                                            const char *usage,
                                            uint32_t days,
                                            struct ironroot_buffer *pem);

// A certificate (PEM) for a request (PEM) by this key, which is the CA's whose certificate (PEM) is given. Subject and names are the
// request's, whose signature is verified. The usage is "both", "client" or "server"; NULL is "both".
enum ironroot_code ironroot_key_issue(const struct ironroot_key *key,
                                      const char *ca_certificate,
                                      const char *csr,
                                      const char *usage,
                                      uint32_t days,
                                      struct ironroot_buffer *pem);

// A JSON Web Token with these claims, a JSON object. "iat" is added, and "exp" so many seconds from now (0: no end), unless the claims
// have them.
enum ironroot_code ironroot_jwt_sign(const struct ironroot_key *key,
                                     const char *claims,
                                     uint64_t expires_in,
                                     struct ironroot_buffer *token);

// As ironroot_jwt_sign, with an algorithm ("ES256", "RS256", "PS256", "EdDSA", ...; NULL: the key's first) and a key id for the
// header (NULL: none).
enum ironroot_code ironroot_jwt_sign_with(const struct ironroot_key *key,
                                          const char *claims,
                                          uint64_t expires_in,
                                          const char *algorithm,
                                          const char *key_id,
                                          struct ironroot_buffer *token);

// Verifies a token with a PEM public key or certificate, without a TPM, and gives its claims (JSON). A token that says for whom it is
// has to be for the audience; an issuer, if not NULL, has to be its; clocks may differ by the leeway in seconds; a token without an end
// is refused unless endless is true.
enum ironroot_code ironroot_jwt_verify(const char *token,
                                       const char *public_key,
                                       const char *audience,
                                       const char *issuer,
                                       uint64_t leeway,
                                       bool endless,
                                       struct ironroot_buffer *claims);

// Step one: the product's secret, 32 bytes. Their memory is wiped.
enum ironroot_code ironroot_product_new(uint8_t *secret, size_t length, struct ironroot_product **product);

// Step one: the product's secret, or its white-box tables, in a file.
enum ironroot_code ironroot_product_open(const char *path, struct ironroot_product **product);

// Gives a product up that no device was made of.
void ironroot_product_free(struct ironroot_product *product);

// Step two: the device value that the start-up code has read, and how hard it is to copy (IRONROOT_GRADE_...). The product is used up,
// and its pointer becomes NULL, whatever the call returns.
enum ironroot_code ironroot_device_new(struct ironroot_product **product,
                                       const uint8_t *value,
                                       size_t length,
                                       uint32_t grade,
                                       struct ironroot_device **device);

// Step two: a device value of this machine from a source ("soc-serial", "nvmem:PATH", "file:PATH", "mac:eth0", ...), which has to be at
// least so hard to copy (IRONROOT_GRADE_...). The product is used up as for ironroot_device_new.
enum ironroot_code ironroot_device_read(struct ironroot_product **product,
                                        const char *source,
                                        uint32_t at_least,
                                        struct ironroot_device **device);

// Gives a device up that was not started.
void ironroot_device_free(struct ironroot_device *device);

// Step three: the device's TPM, in this process, with its state in this folder; how is one of IRONROOT_START_.... The device is used up,
// and its pointer becomes NULL, whatever the call returns. Another product secret or device value than the folder's is
// IRONROOT_INITIALIZATION, never another identity.
enum ironroot_code ironroot_start(struct ironroot_device **device,
                                  const char *folder,
                                  uint32_t how,
                                  struct ironroot_tpm **tpm);

// Connects to a TPM: "swtpm:host=127.0.0.1,port=2321", "mssim:...", "device:/dev/tpmrm0"; NULL is what the environment names
// (TPM2TOOLS_TCTI, TCTI), or else the machine's TPM.
enum ironroot_code ironroot_connect(const char *tcti,
                                    struct ironroot_tpm **tpm);

// As ironroot_connect, with the file that has the list of names (NULL: the user's), and the auth values of the endorsement and owner
// hierarchies (0 bytes: none).
enum ironroot_code ironroot_connect_with(const char *tcti,
                                         const char *key_list,
                                         const uint8_t *endorsement_auth,
                                         size_t endorsement_auth_length,
                                         const uint8_t *owner_auth,
                                         size_t owner_auth_length,
                                         struct ironroot_tpm **tpm);

// Closes the connection, once its keys are freed too. A TPM of this process (ironroot_start) is shut down in order then.
void ironroot_tpm_free(struct ironroot_tpm *tpm);

// The key with this name, which is put into the list of names; the same name and kind give the same key for ever. Kinds: "ecc-p256"
// (NULL is this), "ecc-p384", "ecc-p521", "ed25519", "rsa-2048", "rsa-3072", "rsa-4096", "ml-dsa-44", "ml-dsa-65", "ml-dsa-87".
enum ironroot_code ironroot_key_create(const struct ironroot_tpm *tpm,
                                       const char *name,
                                       const char *kind,
                                       struct ironroot_key **key);

// The key that a reference names: "NAME" or "name:NAME", "file:PATH" (a TSS2 PRIVATE KEY file), "handle:0x81..." (a persistent key).
// The kind (NULL) of a name is the one that the list of names has.
enum ironroot_code ironroot_key_open(const struct ironroot_tpm *tpm,
                                     const char *reference,
                                     const char *kind,
                                     struct ironroot_key **key);

// As ironroot_key_open, with the auth value of a key in a file or at a handle.
// NULL gives none: a file whose key has one is refused then, and not tried, because wrong tries bring the TPM nearer to lockout.
enum ironroot_code ironroot_key_open_with(const struct ironroot_tpm *tpm,
                                          const char *reference,
                                          const char *kind,
                                          const uint8_t *auth,
                                          size_t auth_length,
                                          struct ironroot_key **key);

// Whether the list of names has this one.
enum ironroot_code ironroot_key_exists(const struct ironroot_tpm *tpm, const char *name, bool *exists);

// The list of names, as JSON: an object of names and kinds.
enum ironroot_code ironroot_key_names(const struct ironroot_tpm *tpm, struct ironroot_buffer *names);

// Takes a name off the list, and its key out of the persistent handle that it may have. The key is stored nowhere: the same name gives
// it again.
enum ironroot_code ironroot_key_remove(const struct ironroot_tpm *tpm,
                                       const char *name,
                                       bool *removed);

// The secret with this name, of 1 to 8160 bytes: the same on this device for ever, another on each device.
enum ironroot_code ironroot_unique_secret(const struct ironroot_tpm *tpm,
                                          const char *name,
                                          size_t length,
                                          struct ironroot_buffer *secret);

// The secret with this name, of 1 to 8160 bytes, that all devices of the product share.
enum ironroot_code ironroot_global_secret(const struct ironroot_tpm *tpm,
                                          const char *name,
                                          size_t length,
                                          struct ironroot_buffer *secret);

// Seals 1 to 128 bytes that only this TPM gives back (PEM): with a password (0 bytes: none), while PCRs have the values of now
// ("sha256:0,7"; NULL: whatever they have), or with values that a signer approves later (PEM public key or certificate; NULL: nobody).
enum ironroot_code ironroot_seal(const struct ironroot_tpm *tpm,
                                 const uint8_t *data,
                                 size_t length,
                                 const uint8_t *password,
                                 size_t password_length,
                                 const char *pcrs,
                                 const char *signer,
                                 struct ironroot_buffer *pem);

// Gives back what was sealed. For data that waits for a signer: the PCRs, and the signer's signature (NULL and 0 bytes otherwise).
enum ironroot_code ironroot_unseal(const struct ironroot_tpm *tpm,
                                   const char *pem,
                                   const uint8_t *password,
                                   size_t password_length,
                                   const char *pcrs,
                                   const uint8_t *signature,
                                   size_t signature_length,
                                   struct ironroot_buffer *data);

// The public key (PEM) to which anybody encrypts for this device and name.
enum ironroot_code ironroot_encryption_key(const struct ironroot_tpm *tpm,
                                           const char *name,
                                           struct ironroot_buffer *pem);

// Encrypts to a public key of ironroot_encryption_key (HPKE, RFC 9180); no TPM is needed.
enum ironroot_code ironroot_encrypt(const char *public_key,
                                    const uint8_t *data,
                                    size_t length,
                                    struct ironroot_buffer *ciphertext);

// Decrypts what was encrypted to this device and name.
enum ironroot_code ironroot_decrypt(const struct ironroot_tpm *tpm,
                                    const char *name,
                                    const uint8_t *ciphertext,
                                    size_t length,
                                    struct ironroot_buffer *data);

// Random bytes from the TPM, at most 65536.
enum ironroot_code ironroot_random(const struct ironroot_tpm *tpm,
                                   size_t length,
                                   struct ironroot_buffer *random);

// Sends a TPM command as it is, header and all, and gives the TPM's response as it came, whatever its response code.
enum ironroot_code ironroot_command(const struct ironroot_tpm *tpm,
                                    const uint8_t *command,
                                    size_t length,
                                    struct ironroot_buffer *response);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* IRONROOT_H */
