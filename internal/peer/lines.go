package peer

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"

	"trunkline/internal/health"
)

// MaxLine is the longest line in, in bytes. A text that fits no message fits it.
const MaxLine = 1 << 20

// maxWaiting is how many events wait to be written before who makes them waits.
const maxWaiting = 256

// errLongLine is the answer to a line above MaxLine.
var errLongLine = fmt.Errorf("a line of more than %d bytes", MaxLine)

// readLine returns the next line, with its end unless it is the last. A line that is too long is
// skipped as a whole and gives errLongLine.
func readLine(r *bufio.Reader) ([]byte, error) {
	var line []byte
	long := false
	for {
		part, err := r.ReadSlice('\n')
		if long = long || len(line)+len(part) > MaxLine; !long {
			line = append(line, part...)
		}
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case err != nil && len(line) == 0 && !long:
			return nil, err
		case long:
			return nil, health.WithCode(errLongLine, health.PeerBadCommand)
		}
		return line, nil
	}
}

// A printer writes events, one a line, from any goroutine.
type printer struct {
	events chan Event
	ended  chan struct{} // closed when nothing is written any more
	end    func()        // closes it; may be called again
}

func newPrinter() *printer {
	ended := make(chan struct{})
	return &printer{
		events: make(chan Event, maxWaiting), ended: ended, end: sync.OnceFunc(func() { close(ended) }),
	}
}

// emit hands an event over; it waits while too many are waiting.
func (p *printer) emit(e Event) {
	select {
	case p.events <- e:
	case <-p.ended:
	}
}

// run writes to w until ctx ends and what was handed over before is written, or
// w fails.
func (p *printer) run(ctx context.Context, w io.Writer) error {
	defer p.end()
	b := bufio.NewWriterSize(w, 64<<10)
	encoder := json.NewEncoder(b)
	encoder.SetEscapeHTML(false)
	for {
		select {
		case e := <-p.events:
			if err := encoder.Encode(e); err != nil {
				return fmt.Errorf("write an event: %w", err)
			}
			continue
		default:
		}
		if err := b.Flush(); err != nil {
			return fmt.Errorf("write an event: %w", err)
		}
		select {
		case e := <-p.events:
			if err := encoder.Encode(e); err != nil {
				return fmt.Errorf("write an event: %w", err)
			}
		case <-ctx.Done():
			if len(p.events) == 0 {
				return nil
			}
		}
	}
}
