#!/bin/bash
# gopythongo.sh prepare|run PLACE SOURCE TOOLS: the smallest application through GoPythonGo 0.7 with its own means: a virtual
# environment without isolation, fpm, and aptly. `prepare` makes the repository and the key that it expects.
# fpm comes from no index that we have: a stand-in does with dpkg-deb what is asked of it here, and does it faster than Ruby.
set -eu
mode=$1
mkdir -p "$2"
place=$(cd "$2" && pwd) tools=$4
export GNUPGHOME=$place/key
if [ "$mode" = prepare ]; then
  cp -r "$3" "$place/source"
  mkdir -m 700 "$GNUPGHOME"
  echo batch >"$GNUPGHOME/gpg.conf"
  gpg --quiet --passphrase '' --quick-generate-key a@example.org ed25519 sign never 2>"$place/gpg.log"
  echo "{\"rootDir\": \"$place/aptly\", \"gpgProvider\": \"gpg\", \"architectures\": [\"amd64\"]}" >"$place/aptly.conf"
  aptly -config "$place/aptly.conf" repo create hello
  cat >"$place/fpm" <<'FPM'
#!/bin/bash
# fpm -t deb -s dir -n NAME -v VERSION -p FILE DIRECTORY
set -eu
while [ $# -gt 1 ]; do
  case $1 in -n) name=$2 ;; -v) version=$2 ;; -p) file=$2 ;; esac
  shift 2
done
tree=$(mktemp -d)
mkdir -p "$tree/DEBIAN" "$tree$(dirname "$1")"
cp -a "$1" "$tree$1"
printf 'Package: %s\nVersion: %s\nArchitecture: all\nMaintainer: A <a@example.org>\nDescription: %s\n' \
  "$name" "$version" "$name" >"$tree/DEBIAN/control"
dpkg-deb -Zgzip --root-owner-group --build "$tree" "$file"
rm -r "$tree"
FPM
  printf '#!/bin/sh\n' >"$place/after"
  chmod +x "$place/fpm" "$place/after"
  printf -- '-n hello\n-v {{debian_version.version}}\n-p %s/hello.deb\n%s/tree\n' "$place" "$place" >"$place/options"
  exit
fi
cd "$place"
"$tools/bin/gopythongo" --builder noisolation --run-after-create "$place/after" --gopythongo-path "$tools" \
  --use-virtualenv "$tools/bin/virtualenv" --python-binary /usr/bin/python3 \
  --packer fpm --use-fpm "$place/fpm" --run-fpm "template:$place/options" \
  --versioner static --static-version 1.0.0 --version-parser pep440 --version-action bump-revision \
  --store aptly --use-aptly "$(command -v aptly)" --aptly-config "$place/aptly.conf" --repo hello \
  --aptly-distribution develop --aptly-publish-endpoint . "$place/tree" "$place/source"
gpgconf --kill gpg-agent
[ -s "$place/aptly/public/dists/develop/InRelease" ]
