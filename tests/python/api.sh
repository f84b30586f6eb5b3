#!/usr/bin/env bash
# The Python wheel: built, installed into an environment of its own, and tested there, on this TPM and on Debian's swtpm.
. "$(dirname "$0")/../lib.sh"
source=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
[ -n "${IRONROOT_PYTHON:-}" ] || die "IRONROOT_PYTHON has to name libironroot_python.so, which cargo build --package ironroot-python makes"
export IRONROOT_SOURCE=$source IRONROOT_KEY_LIST=$work/keys.json PYTHONDONTWRITEBYTECODE=1
/usr/bin/python3 "$source/crates/python/backend.py" --library "$IRONROOT_PYTHON" "$work" >wheel
# pytest is Debian's; nothing else of the system is used. No network, no compiler.
/usr/bin/python3 -m venv --system-site-packages env
env/bin/python -m pip install --quiet --no-index --no-deps --disable-pip-version-check "$(cat wheel)"
tests() {
    env/bin/python -m pytest --quiet -p no:cacheprovider "$source/tests/python" >said 2>&1 || die "$(cat said)"
    finds -E '^[0-9]+ passed' <said
    refused grep -E 'skipped|warning' said
}
tests
# The stubs say what there is.
env/bin/python - "$source/crates/python/ironroot/__init__.pyi" <<'PYTHON'
import ast, sys, ironroot
stub = ast.parse(open(sys.argv[1]).read())
functions = (ast.FunctionDef,)
for node in stub.body:
    if isinstance(node, functions):
        assert callable(getattr(ironroot, node.name)), node.name
    if isinstance(node, ast.ClassDef) and node.name != "IronrootError":
        there = {name for name in dir(getattr(ironroot, node.name)) if not name.startswith("_")}
        said = {item.name for item in node.body if isinstance(item, functions) and not item.name.startswith("_")}
        said |= {item.target.id for item in node.body if isinstance(item, ast.AnnAssign)}
        assert there <= said, (node.name, there - said)
public = {name for name in ironroot.__all__}
assert public <= {getattr(node, "name", None) or node.target.id for node in stub.body if hasattr(node, "name") or isinstance(node, ast.AnnAssign)}
PYTHON
env/bin/python "$source/examples/python/jwt.py" | finds '^ey'
env/bin/python "$source/examples/python/mutual_tls.py" | finds 'TLSv1.3 with dev1'
equal "objects left" "" "$(tpm2_getcap handles-transient)"
equal "sessions left" "" "$(tpm2_getcap handles-loaded-session)"
another_tpm
TPM2TOOLS_TCTI=$another tests
end_another_tpm
ok
