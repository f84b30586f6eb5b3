"""python-pkcs11 (pip install python-pkcs11): signs with the named key "web", which is made if it is not there.

    python3 sign.py /usr/local/lib/libironroot_pkcs11.so
"""
import sys

import pkcs11
from pkcs11 import Attribute, KeyType, Mechanism, ObjectClass
from pkcs11.util.ec import encode_named_curve_parameters

token = pkcs11.lib(sys.argv[1]).get_token(token_label="ironroot")
with token.open(rw=True) as session:
    curve = {Attribute.EC_PARAMS: encode_named_curve_parameters("secp256r1")}
    parameters = session.create_domain_parameters(KeyType.EC, curve, local=True)
    # The same name is the same key, whether it was there or not. Named keys are the token's (store=True).
    public, private = parameters.generate_keypair(mechanism=Mechanism.EC_KEY_PAIR_GEN, store=True, label="web")
    signature = private.sign(b"message", mechanism=Mechanism.ECDSA_SHA256)
    assert public.verify(b"message", signature, mechanism=Mechanism.ECDSA_SHA256)
    assert not public.verify(b"massage", signature, mechanism=Mechanism.ECDSA_SHA256)
    print(private[Attribute.ID].hex(), signature.hex())
    for key in session.get_objects({Attribute.CLASS: ObjectClass.PRIVATE_KEY}):
        print(key.label)
