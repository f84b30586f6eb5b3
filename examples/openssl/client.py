"""A TLS client whose key is in the TPM, with Python's ssl and with requests: both take the TSS2 PRIVATE KEY file as they take any key.

    OPENSSL_CONF=openssl.cnf python3 client.py https://localhost:8443/ ca.crt client.crt client.key
"""

import ssl
import sys
import urllib.request

import requests

url, ca, certificate, key = sys.argv[1:]

context = ssl.create_default_context(cafile=ca)
context.load_cert_chain(certificate, key)
with urllib.request.urlopen(url, context=context) as answer:
    print("ssl:", answer.read().decode().strip())

print("requests:", requests.get(url, cert=(certificate, key), verify=ca, timeout=30).text.strip())
