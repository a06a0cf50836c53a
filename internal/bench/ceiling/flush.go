//go:build linux

package ceiling

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"trunkline/internal/bench/meter"
)

const recordSize = 300

// flushes measures how fast records become durable: one writer that waits for
// each, and groups of writers that share a flush.
func flushes(ctx context.Context, c Config, emit func(Ceiling)) error {
	anchors := map[int]string{1: "p50 0.03-0.12 ms, p99 4-8 ms", 8: "9-27 thousand/s", 64: "28-112 thousand/s", 512: "58-390 thousand/s"}
	for _, writers := range []int{1, 8, 64, 512} {
		values, err := flush(ctx, filepath.Join(c.Dir, fmt.Sprintf("flush-%d", writers)), writers, c.Round*time.Duration(c.Rounds))
		if err != nil {
			return err
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		name := "flush loop: 300 B and fdatasync, one writer"
		if writers > 1 {
			name = fmt.Sprintf("group commit, %d writers", writers)
		}
		emit(Ceiling{Name: name, Anchor: anchors[writers], Values: values})
	}
	return nil
}

// A groupLog appends records. All that arrive while a flush is under way share
// the next one.
type groupLog struct {
	file *os.File
	kick chan struct{}

	mu   sync.Mutex
	buf  []byte
	wait []chan<- error
}

// commit returns once the record is on disk. done is the caller's own.
func (g *groupLog) commit(record []byte, done chan error) error {
	g.mu.Lock()
	g.buf = binary.LittleEndian.AppendUint32(g.buf, uint32(len(record)))
	g.buf = binary.LittleEndian.AppendUint32(g.buf, crc32.ChecksumIEEE(record))
	g.buf = append(g.buf, record...)
	g.wait = append(g.wait, done)
	g.mu.Unlock()
	select {
	case g.kick <- struct{}{}:
	default:
	}
	return <-done
}

// run flushes until kick is closed.
func (g *groupLog) run() {
	var spare []byte
	for range g.kick {
		g.mu.Lock()
		buf, wait := g.buf, g.wait
		g.buf, g.wait = spare[:0], nil
		g.mu.Unlock()
		spare = buf
		if len(wait) == 0 {
			continue
		}
		_, err := g.file.Write(buf)
		if err == nil {
			err = syscall.Fdatasync(int(g.file.Fd()))
		}
		for _, done := range wait {
			done <- err
		}
	}
}

func flush(ctx context.Context, name string, writers int, d time.Duration) (map[string]float64, error) {
	f, err := os.Create(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close(); _ = os.Remove(name) }()
	g := &groupLog{file: f, kick: make(chan struct{}, 1)}
	var loop, all sync.WaitGroup
	loop.Go(g.run)
	var latency meter.Hist
	errs := make(chan error, writers)
	before, start := ownCPU(), time.Now()
	for w := range writers {
		all.Go(func() { errs <- g.write(ctx, start.Add(d), w, &latency) })
	}
	all.Wait()
	close(g.kick)
	loop.Wait()
	took, cpu, n := time.Since(start), ownCPU()-before, float64(latency.N())
	for range writers {
		err = errors.Join(err, <-errs)
	}
	return map[string]float64{
		"per_s":  n / took.Seconds(),
		"cpu_us": float64(cpu) / 1e3 / max(n, 1),
		"p50_ms": float64(latency.Quantile(.5)) / 1e6,
		"p99_ms": float64(latency.Quantile(.99)) / 1e6,
	}, err
}

// write commits records until end.
func (g *groupLog) write(ctx context.Context, end time.Time, w int, latency *meter.Hist) error {
	record, done := make([]byte, recordSize), make(chan error, 1)
	for i := uint64(0); time.Now().Before(end) && ctx.Err() == nil; i++ {
		binary.LittleEndian.PutUint64(record, i<<16|uint64(w))
		start := time.Now()
		if err := g.commit(record, done); err != nil {
			return err
		}
		latency.Add(time.Since(start))
	}
	return nil
}
