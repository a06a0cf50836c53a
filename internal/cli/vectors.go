package cli

import (
	"maps"

	"trunkline/internal/vectors"
	blubbelvectors "trunkline/internal/vectors/blubbel"
)

type vectorsCmd struct {
	Paths []string `arg:"" name:"path" help:"Files of vectors, or folders that are searched for them."`
	jsonFlag
}

// vectorFiles are the files of all networks, by the last two elements of their
// path.
func vectorFiles() vectors.Files {
	all := vectors.Files{}
	maps.Copy(all, blubbelvectors.Files())
	return all
}

// Run checks the vectors.
func (c *vectorsCmd) Run(e *Env) error {
	results := vectors.Run(c.Paths, vectorFiles())
	write := vectors.Print
	if c.JSON {
		write = vectors.JSON
	}
	totals, err := write(e.Stdout, results)
	if err == nil && totals.Failed > 0 {
		return errQuiet
	}
	return err
}
