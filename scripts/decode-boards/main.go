// Decodes boards strictly with Grafana's foundation SDK: each option must be one that Grafana knows, of its type, and none that it
// requires may be missing. See `make lint-ops`.
package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/cog/plugins"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
)

func main() {
	// Without, the options of panels are taken for any JSON.
	plugins.RegisterDefaultPlugins()
	failed := false
	for _, file := range os.Args[1:] {
		for _, fault := range faults(file) {
			failed = true
			fmt.Printf("%s: %s\n", file, fault)
		}
	}
	if failed {
		os.Exit(1)
	}
}

func faults(file string) []string {
	raw, err := os.ReadFile(file)
	if err != nil {
		return lines(err)
	}
	board := dashboard.Dashboard{}
	if err := board.UnmarshalJSONStrict(raw); err != nil {
		return lines(err)
	}
	if err := board.Validate(); err != nil {
		return lines(err)
	}
	return nil
}

// A line for each of the errors that one error may hold.
func lines(err error) []string {
	var all cog.BuildErrors
	if !errors.As(err, &all) {
		return []string{err.Error()}
	}
	found := make([]string, 0, len(all))
	for _, one := range all {
		found = append(found, one.Path+": "+one.Message)
	}
	return found
}
