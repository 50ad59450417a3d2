#!/bin/sh
# Puts together what the image contains: rootfs.sh PROGRAM DIRECTORY
set -eu

if [ $# -ne 2 ] || [ ! -x "$1" ]; then
  echo "usage: $0 PROGRAM DIRECTORY, where PROGRAM is a built testrun-operator" >&2
  exit 64
fi
program=$1
root=$2
authorities=/etc/ssl/certs/ca-certificates.crt
if [ ! -r "$authorities" ]; then
  echo "$0: $authorities cannot be read; install the package ca-certificates" >&2
  exit 66
fi

install -D -m 0755 "$program" "$root/usr/bin/testrun-operator"
# Each library where the linker of the image looks for it: at the path that it has here.
ldd "$program" | awk '$2 == "=>" && $3 ~ /^\// { print $3 } $1 ~ /^\// { print $1 }' | while read -r library; do
  install -D -m 0755 "$library" "$root$library"
done
install -D -m 0644 "$authorities" "$root$authorities"
printf 'root:x:0:0:root:/:/nonexistent\nnonroot:x:65532:65532:nonroot:/:/nonexistent\n' > "$root/etc/passwd"
printf 'root:x:0:\nnonroot:x:65532:\n' > "$root/etc/group"
printf 'hosts: files dns\n' > "$root/etc/nsswitch.conf"
install -d -m 1777 "$root/tmp"
chmod 0644 "$root/etc/passwd" "$root/etc/group" "$root/etc/nsswitch.conf"
find "$root" -exec touch --no-dereference --date="@${SOURCE_DATE_EPOCH:-0}" {} +
