/* A TLS client whose key is in the TPM. The key is a TSS2 PRIVATE KEY file or handle:0x81…: OpenSSL's stores know both.
 *
 *   cc -Wall -Wextra -Werror client.c -lssl -lcrypto -o client
 *   OPENSSL_CONF=openssl.cnf ./client localhost:8443 ca.crt client.crt handle:0x81000010
 */
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/store.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void fail(const char *what)
{
    fprintf(stderr, "%s\n", what);
    ERR_print_errors_fp(stderr);
    exit(1);
}

static EVP_PKEY *load_key(const char *uri)
{
    EVP_PKEY *key = NULL;
    OSSL_STORE_CTX *store = OSSL_STORE_open(uri, NULL, NULL, NULL, NULL);
    if (store == NULL)
        fail("the key cannot be opened");
    while (key == NULL && !OSSL_STORE_eof(store)) {
        OSSL_STORE_INFO *info = OSSL_STORE_load(store);
        if (info != NULL && OSSL_STORE_INFO_get_type(info) == OSSL_STORE_INFO_PKEY)
            key = OSSL_STORE_INFO_get1_PKEY(info);
        OSSL_STORE_INFO_free(info);
    }
    OSSL_STORE_close(store);
    if (key == NULL)
        fail("there is no private key");
    return key;
}

int main(int argc, char **argv)
{
    char answer[4096];
    int count;
    if (argc != 5) {
        fprintf(stderr, "usage: %s HOST:PORT CA.crt CLIENT.crt KEY\n", argv[0]);
        return 2;
    }
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    EVP_PKEY *key = load_key(argv[4]);
    if (context == NULL || SSL_CTX_load_verify_file(context, argv[2]) != 1)
        fail("the CA's certificate cannot be used");
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    if (SSL_CTX_use_certificate_chain_file(context, argv[3]) != 1 || SSL_CTX_use_PrivateKey(context, key) != 1)
        fail("the certificate or the key cannot be used");

    SSL *tls = NULL;
    BIO *connection = BIO_new_ssl_connect(context);
    BIO_get_ssl(connection, &tls);
    if (tls == NULL || BIO_set_conn_hostname(connection, argv[1]) != 1 || SSL_set1_host(tls, "localhost") != 1)
        fail("no connection");
    if (BIO_do_handshake(connection) != 1)
        fail("the handshake failed");
    BIO_puts(connection, "GET / HTTP/1.0\r\nHost: localhost\r\n\r\n");
    while ((count = BIO_read(connection, answer, sizeof answer)) > 0)
        fwrite(answer, 1, (size_t)count, stdout);

    BIO_free_all(connection);
    EVP_PKEY_free(key);
    SSL_CTX_free(context);
    return 0;
}
