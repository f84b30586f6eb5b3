"""A signed token from the key "cloud" of this machine's TPM."""

import ironroot

print(ironroot.connect().create_key("cloud").jwt({"sub": "dev1"}))
