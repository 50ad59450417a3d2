// Reads a Parquet file with another implementation than the one that wrote it, and prints what it finds: the schema and
// the rows, where a value that is not there is null.
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"

	"github.com/parquet-go/parquet-go"
)

type found struct {
	Schema map[string]string `json:"schema"`
	Rows   []map[string]any  `json:"rows"`
}

func main() {
	if err := read(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func read(path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	stat, err := file.Stat()
	if err != nil {
		return err
	}
	whole, err := parquet.OpenFile(file, stat.Size())
	if err != nil {
		return err
	}
	out := found{Schema: map[string]string{}, Rows: []map[string]any{}}
	names := []string{}
	for _, column := range whole.Root().Columns() {
		names = append(names, column.Name())
		kind := column.Type().String()
		if column.Optional() {
			kind = "optional " + kind
		}
		out.Schema[column.Name()] = kind
	}
	for _, group := range whole.RowGroups() {
		rows := group.Rows()
		buffer := make([]parquet.Row, 16)
		for {
			n, err := rows.ReadRows(buffer)
			for _, row := range buffer[:n] {
				shown := map[string]any{}
				for _, value := range row {
					shown[names[value.Column()]] = plain(value)
				}
				out.Rows = append(out.Rows, shown)
			}
			if err == io.EOF {
				break
			}
			if err != nil {
				return err
			}
		}
		if err := rows.Close(); err != nil {
			return err
		}
	}
	return json.NewEncoder(os.Stdout).Encode(out)
}

func plain(value parquet.Value) any {
	if value.IsNull() {
		return nil
	}
	switch value.Kind() {
	case parquet.Boolean:
		return value.Boolean()
	case parquet.Int64:
		return value.Int64()
	case parquet.Double:
		return value.Double()
	default:
		return string(value.ByteArray())
	}
}
