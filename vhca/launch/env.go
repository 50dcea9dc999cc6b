package launch

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/sgfuzz/sgfuzz/vhca"
)

// Environment is the environment of a program that is to find the adapter:
// that of this process, the shim before any other preloaded library, the
// device tree of the user's cache, and the settings.
func Environment(l Library, s vhca.Settings) ([]string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return nil, err
	}
	dir := filepath.Join(cache, "sgfuzz", "vhca", "sysfs")
	if err := MakeTree(dir); err != nil {
		return nil, err
	}
	text, err := json.Marshal(s)
	if err != nil {
		return nil, err
	}
	preload := l.Shim
	if old := os.Getenv("LD_PRELOAD"); old != "" {
		preload += ":" + old
	}
	mine := map[string]string{"LD_PRELOAD": preload, "SYSFS_PATH": dir, vhca.SettingsEnv: string(text), vhca.EngineEnv: l.Engine}
	env := slices.DeleteFunc(os.Environ(), func(v string) bool {
		name, _, _ := strings.Cut(v, "=")
		_, ok := mine[name]
		return ok
	})
	for _, name := range slices.Sorted(maps.Keys(mine)) {
		env = append(env, name+"="+mine[name])
	}
	return env, nil
}
