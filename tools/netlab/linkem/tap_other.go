//go:build !linux

package main

import (
	"errors"
	"io"
)

func openTap(string) (io.ReadWriteCloser, error) { return nil, errors.ErrUnsupported }
