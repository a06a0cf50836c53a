package cli

import (
	"fmt"
	"strings"

	"github.com/alecthomas/kong"
)

// examples has one call of every command that can be given, by its path. A test
// runs each.
func examples() map[string]string {
	return map[string]string{
		"serve":           "trunkline serve --data /tmp/exchange --set web.listen=127.0.0.1:0",
		"status":          "trunkline status --json",
		"stop":            "trunkline stop",
		"doctor":          "trunkline doctor --only 'data folder' --fix",
		"explain":         "trunkline explain NET-003",
		"chat":            "trunkline chat echo",
		"peer":            "trunkline peer blubbel --server 127.0.0.1:8000 --profile me.pem --auto",
		"bot run":         "trunkline bot run --server 127.0.0.1:8000 --profile bot.pem ./echo.sh",
		"keygen":          "trunkline keygen me.pem",
		"inspect":         "trunkline inspect capture.pcap --json",
		"vectors":         "trunkline vectors blubbel/wire/testdata",
		"sim":             "trunkline sim scenario.json --seed 7",
		"bench":           "trunkline bench B5 --peer nats --rounds 5",
		"config show":     "trunkline config show --set blubbel.framing=as-shipped",
		"config describe": "trunkline config describe",
		"config check":    "trunkline config check --config trunkline.toml",
		"completion":      "trunkline completion bash",
		"man":             "trunkline man",
		"version":         "trunkline version --json",
	}
}

// helpWithExample prints kong's help and, at its end, the command's example.
func helpWithExample(o kong.HelpOptions, c *kong.Context) error {
	if err := kong.DefaultHelpPrinter(o, c); err != nil {
		return err
	}
	if c.Selected() == nil {
		_, err := fmt.Fprintf(c.Stdout, "\nExample:\n  trunkline serve\n")
		return err
	}
	example, ok := examples()[strings.TrimPrefix(path(c.Selected()), "trunkline ")]
	if !ok {
		return nil
	}
	_, err := fmt.Fprintf(c.Stdout, "\nExample:\n  %s\n", example)
	return err
}
