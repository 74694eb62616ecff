# shellcheck shell=bash disable=SC2034
# The root that every booted host shares, made once by mmdebstrap and kept under $O/system; its name
# carries a hash of what it is made of. Run as a program, it makes the image and prints its path.

IMAGE_PACKAGES=systemd,systemd-sysv,dbus,iproute2,procps,curl,ca-certificates
IMAGE_PACKAGES+=,nginx-light,haproxy,postgresql-15,pgbouncer,redis-server
# Clients whose libraries the tests of leaks use.
IMAGE_PACKAGES+=,nodejs,node-pg,python3,python3-psycopg,python3-psycopg-pool,python3-websockets
# What the programs under test are linked with.
IMAGE_PACKAGES+=,libbpf1,libelf1,zlib1g,libnng1,libprotobuf-c1,libssl3,libcyaml1,libyaml-0-2,libcap2,libseccomp2
IMAGE_PACKAGES+=,libsqlite3-0,libjansson4,libmicrohttpd12,libsystemd0,valgrind,libc6-dbg
IMAGE_SERVICES="nginx haproxy postgresql pgbouncer redis-server apt-daily.timer apt-daily-upgrade.timer e2scrub_reap"
IMAGE_SERVICES+=" dpkg-db-backup.timer fstrim.timer e2scrub_all.timer"

image_path() {
        echo "$O/system/root-$(printf '%s\n' "$IMAGE_PACKAGES" "$IMAGE_SERVICES" 3 | sha256sum | cut -c1-12)"
}

# With FAST=1 there is no time to make it: it is used if a full run made it.
need_image() {
        [ -z "${FAST:-}" ] || [ -d "$(image_path)" ] || skip_all "the root image is not made; make test makes it"
}

image_root() {
        local root
        root=$(image_path)
        mkdir -p "$O/system"
        (
                flock 9
                [ -d "$root" ] && exit 0
                rm -rf --one-file-system "$root.part"
                mmdebstrap --variant=minbase --include="$IMAGE_PACKAGES" \
                        --customize-hook="systemctl --root=\"\$1\" disable --quiet $IMAGE_SERVICES || true" \
                        --customize-hook='rm -f "$1/etc/hostname" && : >"$1/etc/machine-id"' \
                        --customize-hook='rm -rf "$1"/usr/share/doc/* "$1"/usr/share/man/*' \
                        bookworm "$root.part" >"$root.log" 2>&1 || {
                        tail -5 "$root.log" | sed 's/^/# mmdebstrap: /' >&2
                        exit 1
                }
                mv "$root.part" "$root"
                rm -f "$root.log"
        ) 9>"$O/system/image.lock" || return 1
        echo "$root"
}

if [ "${BASH_SOURCE[0]}" = "$0" ]; then
        set -u
        O=$(realpath -m "${O:-build}")
        image_root
fi
