#!/bin/sh
# Prints the manifest of the kubectl plugin for krew: manifest.sh VERSION URL DIRECTORY
# URL is where the archives of the directory can be downloaded; their names are kubectl-testrun_OS_ARCH.tar.gz.
set -eu

if [ $# -ne 3 ] || [ ! -d "$3" ]; then
  echo "usage: $0 VERSION URL DIRECTORY, where DIRECTORY has kubectl-testrun_OS_ARCH.tar.gz" >&2
  exit 64
fi
version=$1
url=$2
directory=$3

cat <<END
apiVersion: krew.googlecontainertools.github.com/v1alpha2
kind: Plugin
metadata:
  name: testrun
spec:
  version: v$version
  shortDescription: CI results of a commit, as a verdict
  description: |
    Shows what CI says about a commit: suites, failing jobs with the lines that matter, must-gather bundles, and whether
    it may be merged. Works on TestRunReport objects of a cluster, and without a cluster on GitHub or on files.
  platforms:
END
found=no
for archive in "$directory"/kubectl-testrun_*_*.tar.gz; do
  [ -e "$archive" ] || continue
  found=yes
  name=$(basename "$archive" .tar.gz)
  platform=${name#kubectl-testrun_}
  cat <<END
    - selector:
        matchLabels:
          os: ${platform%_*}
          arch: ${platform#*_}
      uri: $url/$name.tar.gz
      sha256: $(sha256sum "$archive" | cut -d ' ' -f 1)
      bin: kubectl-testrun
END
done
if [ $found = no ]; then
  echo "$0: $directory has no kubectl-testrun_OS_ARCH.tar.gz" >&2
  exit 66
fi
