package client

import (
	"fmt"
	"log/slog"
)

// redacted, embedded in a struct, keeps it from being printed, logged or
// marshalled by accident.
type redacted struct{}

const placeholder = "blubbel session secret"

// Format does not print the secret, whatever the verb.
func (redacted) Format(s fmt.State, _ rune) { _, _ = s.Write([]byte(placeholder)) }

// LogValue does not contain the secret.
func (redacted) LogValue() slog.Value { return slog.StringValue(placeholder) }

// MarshalText does not contain the secret.
func (redacted) MarshalText() ([]byte, error) { return []byte(placeholder), nil }
