#!/bin/sh
# Build peers, each in its own environment: setup.sh pictologics pyradiomics platipy dcmrtstruct2nii, or some of them.
# An environment that is ready is left alone. The first import of pictologics compiles for minutes.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
envs=$(dirname "$here")/.envs

works() { "$1" -c "import venv" 2>/dev/null; }

find_python() {  # find_python 3.12 3.11: the first of these versions that is here, or nothing
    for version in "$@"; do
        for candidate in "python$version" "$HOME"/.pyenv/versions/"$version".*/bin/python; do
            if works "$candidate"; then echo "$candidate"; return; fi
        done
    done
}

pictologics() {
    python=$(find_python 3.12)
    force=
    if [ -z "$python" ]; then python=${PYTHON:-python3}; force=--ignore-requires-python; fi
    "$python" -m venv "$envs/pictologics"
    "$envs/pictologics/bin/pip" install --quiet $force --requirement "$here/pictologics.txt"
    echo "pictologics: first import, compiling"
    start=$(date +%s)
    "$envs/pictologics/bin/python" -c "import pictologics"
    echo $(($(date +%s) - start)) >"$envs/pictologics/first_import_s"
}

pyradiomics() {
    python=$(find_python 3.11 3.10 3.9)  # its set-up does not run on 3.12
    "${python:-${PYTHON:-python3}}" -m venv "$envs/pyradiomics"
    "$envs/pyradiomics/bin/pip" install --quiet --requirement "$here/pyradiomics.txt"
    "$envs/pyradiomics/bin/pip" install --quiet --no-build-isolation --no-binary pyradiomics pyradiomics==3.0.1
    "$envs/pyradiomics/bin/python" -c "import radiomics"
}

from_list() {
    "${PYTHON:-python3}" -m venv "$envs/$1"
    "$envs/$1/bin/pip" install --quiet --requirement "$here/$1.txt"
}

platipy() { from_list platipy; }

dcmrtstruct2nii() { from_list dcmrtstruct2nii; }

adelie() { from_list adelie; }

for name in "$@"; do
    if [ -e "$envs/$name/.ready" ]; then continue; fi
    case $name in scikit-survival) from_list scikit-survival ;; *) "$name" ;; esac
    touch "$envs/$name/.ready"
done
