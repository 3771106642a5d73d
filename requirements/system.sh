#!/bin/sh
# System packages and user of the image; Dockerfile.gpu runs it in both variants.
set -eu
export DEBIAN_FRONTEND=noninteractive
apt-get update
# Fixes that are newer than the base image.
apt-get upgrade --yes
# Ubuntu 24.04 has Python 3.12 and Tesseract 5 in its own archive: no other source and no other key is trusted.
apt-get install --yes --no-install-recommends \
    ca-certificates python3 tesseract-ocr tesseract-ocr-eng tesseract-ocr-ind
rm -rf /var/lib/apt/lists/*
tesseract --version | grep --quiet '^tesseract 5\.'
tesseract --list-langs | grep --quiet --line-regexp eng
tesseract --list-langs | grep --quiet --line-regexp ind
groupadd --gid 10001 filot
useradd --uid 10001 --gid filot --no-create-home --home-dir /tmp --shell /usr/sbin/nologin filot
