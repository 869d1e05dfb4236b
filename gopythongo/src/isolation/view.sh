# Makes the mounts of a view in the mount namespace that this shell was started in, then becomes the program.
# Arguments: identity (`-` or UID:GID), then `ro|rw FROM AT` for each bind, `--`, the program and its arguments.
identity=$1
shift
(
    PATH=/usr/sbin:/usr/bin:/sbin:/bin
    made=
    fail() {
        echo "cannot show $from at $at: $1" >&2
        exit 125
    }
    # Makes a file system in memory over $1, with everything that stands in the current directory bound into it; of $2 only
    # the name. The paths of -c are not resolved by mount: `.` is what $1 has just covered.
    cover() {
        over=$1 but=$2 table=$1/.gopythongo-view
        mount -n -c -t tmpfs -o "mode=$(stat -c %a .)" view "$over" || fail "no tmpfs over $over"
        set --
        for entry in ./* ./.[!.]* ./..?*; do
            if [ -L "$entry" ]; then
                cp -P "$entry" "$over/$entry" || fail "$entry cannot be copied"
                continue
            elif [ -d "$entry" ]; then
                set -- "$@" "$over/$entry"
            elif [ -e "$entry" ]; then
                : >"$over/$entry" || fail "$entry cannot be made"
            else
                continue
            fi
            case $entry in
            "./$but" | *[[:space:]\\]*) ;;
            *) echo "$entry $over/$entry none rbind 0 0" ;;
            esac
        done >"$table"
        [ $# -eq 0 ] || mkdir "$@" || fail "directories cannot be made"
        # all at once, by one process; then whatever is left, by one each
        mount -n -c -a -T "$table" 2>/dev/null || set -- left
        rm "$table"
        for entry in ./* ./.[!.]* ./..?*; do
            case $entry in
            "./$but") continue ;;
            *[[:space:]\\]*) ;;
            *) [ "$*" = left ] || continue ;;
            esac
            { [ -e "$entry" ] && [ ! -L "$entry" ] && ! mountpoint -q "$over/$entry"; } || continue
            mount -n -c --rbind "$entry" "$over/$entry" || fail "$entry cannot be bound"
        done
        made="$made $(stat -c %d "$over") "
    }
    # The root itself cannot be covered: a new one is made below a directory of it, and becomes the root.
    reroot() {
        for stage in mnt srv media opt tmp; do
            [ -d "/$stage" ] && [ ! -L "/$stage" ] && break
        done
        cd / && exec 9<"/$stage" || fail "no directory to make a root in"
        cover "/$stage" "$stage"
        cd "/proc/self/fd/9" && mount -n -c --rbind . "/$stage/$stage" || fail "/$stage cannot be bound"
        exec 9<&-
        cd "/$stage/." && pivot_root . . && umount -n -l . && cd / || fail "no new root"
    }
    while [ "$1" != -- ]; do
        mode=$1 from=$2 at=$3
        shift 3
        [ -e "$from" ] || fail "$from does not exist"
        if [ ! -e "$at" ]; then
            [ ! -L "$at" ] || fail "$at is a symbolic link to nowhere"
            near=$at
            while [ ! -d "$near" ]; do
                near=${near%/*}
                near=${near:-/}
            done
            case $made in
            *" $(stat -c %d "$near") "*) ;;
            *)
                cd -P "$near" || fail "$near cannot be entered"
                near=$(pwd -P)
                if [ "$near" = / ]; then reroot; else cover "$near" ""; fi
                cd /
                ;;
            esac
            if [ -d "$from" ]; then
                mkdir -p "$at"
            else
                mkdir -p "${at%/*}" && : >"$at"
            fi || fail "$at cannot be made"
        fi
        mount -n --rbind "$from" "$at" || fail "it cannot be bound"
        if [ "$mode" = ro ]; then
            # In a user namespace the other flags of the file system must stay as they are.
            flags=$(findmnt -n -o VFS-OPTIONS --target "$at" | sed 's/^rw/ro/')
            mount -n -o "remount,bind,${flags:-ro}" "$at" || fail "it cannot be bound read-only"
        fi
    done
) || exit 125
while [ "$1" != -- ]; do shift 3; done
shift
cd "$PWD" 2>/dev/null || cd /
[ "$identity" = - ] && exec "$@"
exec unshare --user "--map-user=${identity%:*}" "--map-group=${identity#*:}" -- "$@"
