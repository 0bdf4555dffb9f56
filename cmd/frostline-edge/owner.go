package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/user"
	"strconv"
	"syscall"
)

// packaged is the configuration of an agent that was installed as a package. It
// is used where --config names none.
const packaged = "/etc/frostline/gateway.yaml"

// actAsOwner has root go on as the owner of the data directory, with the
// owner's groups: what root wrote there the agent could not read, and what root
// may open says nothing of what the agent may. For others it does nothing.
func actAsOwner(data string, say io.Writer) error {
	if os.Geteuid() != 0 {
		return nil
	}
	info, err := os.Stat(data)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("data directory: %w", err)
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok || st.Uid == 0 {
		return nil
	}
	uid := strconv.FormatUint(uint64(st.Uid), 10)
	name, groups := "user "+uid, []int{int(st.Gid)}
	if u, err := user.LookupId(uid); err == nil {
		name = u.Username
		ids, err := u.GroupIds()
		if err != nil {
			return fmt.Errorf("groups of %s, who owns %s: %w", name, data, err)
		}
		for _, id := range ids {
			if gid, err := strconv.Atoi(id); err == nil && gid != int(st.Gid) {
				groups = append(groups, gid)
			}
		}
	}
	if err = syscall.Setgroups(groups); err == nil {
		if err = syscall.Setgid(int(st.Gid)); err == nil {
			err = syscall.Setuid(int(st.Uid))
		}
	}
	if err != nil {
		return fmt.Errorf("go on as %s, who owns %s: %w: run this command as that user", name, data, err)
	}
	syscall.Umask(0o077)
	fmt.Fprintf(say, "acting as %s, who owns %s\n", name, data)
	return nil
}
