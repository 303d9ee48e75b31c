package evidence

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"regexp"
	"slices"
	"strings"
)

// safeName is what a file of a bundle may be called. Whoever unpacks it must not
// get files outside the directory, or two on a file system that folds names.
var safeName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)*$`)

// archive reads the directory of a hostile archive: its size is looked at before
// anything of it is held, and nothing in it may be compressed.
func (v *verifier) archive() (Result, string, error) {
	if err := v.directory(); err != nil {
		return "", "", err
	}
	z, err := zip.NewReader(v.in, v.size)
	if err != nil {
		return "", "", fmt.Errorf("read archive: %w", err)
	}
	if len(z.File) > maxFiles {
		return "", "", fmt.Errorf("archive has %d files, limit is %d", len(z.File), maxFiles)
	}
	v.zip, v.files = z, make(map[string]*zip.File, len(z.File))
	total := uint64(0)
	for _, f := range z.File {
		switch {
		case !safeName.MatchString(f.Name) || strings.Contains(f.Name, ".."):
			return "", "", fmt.Errorf("archive has a file called %.120q", f.Name)
		case v.files[f.Name] != nil:
			return "", "", fmt.Errorf("archive has %s twice", f.Name)
		case f.Method != zip.Store || f.CompressedSize64 != f.UncompressedSize64:
			return "", "", fmt.Errorf("%s is compressed; bundles are written uncompressed", f.Name)
		case f.UncompressedSize64 > uint64(v.size):
			return "", "", fmt.Errorf("%s claims %d bytes in an archive of %d", f.Name, f.UncompressedSize64, v.size)
		}
		// Files that overlap in the archive would cost more to read than it is long.
		if total += f.UncompressedSize64; total > uint64(v.size) {
			return "", "", fmt.Errorf("%s overlaps another file of the archive", f.Name)
		}
		v.files[f.Name] = f
	}
	return Pass, fmt.Sprintf("%s bytes, %s files, nothing compressed", thousands(v.size), thousands(int64(len(z.File)))), nil
}

// directory finds the archive's directory where Export puts it: directly before
// the end record, which is the last 22 bytes. The reader of the standard library
// searches for both, and holds whatever it finds.
func (v *verifier) directory() error {
	const endLen, end64Len, locLen = 22, 56, 20
	le := binary.LittleEndian
	end := make([]byte, endLen)
	if v.size < endLen {
		return fmt.Errorf("archive has %d bytes: the download broke off", v.size)
	}
	if _, err := v.in.ReadAt(end, v.size-endLen); err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("read archive: %w", err)
	}
	if !bytes.HasPrefix(end, []byte("PK\x05\x06")) {
		return errors.New("archive does not end with its directory: the download broke off, or something was appended")
	}
	length, offset, stop := uint64(le.Uint32(end[12:])), uint64(le.Uint32(end[16:])), uint64(v.size-endLen)
	if le.Uint16(end[10:]) == 1<<16-1 || length == 1<<32-1 || offset == 1<<32-1 {
		if v.size < endLen+locLen+end64Len {
			return errors.New("archive has no room for its directory")
		}
		stop -= locLen + end64Len
		end64 := make([]byte, end64Len)
		if _, err := v.in.ReadAt(end64, int64(stop)); err != nil {
			return fmt.Errorf("read archive: %w", err)
		}
		length, offset = le.Uint64(end64[40:]), le.Uint64(end64[48:])
	}
	if length > maxDirectory {
		return fmt.Errorf("archive has a directory of %d bytes, limit is %d", length, maxDirectory)
	}
	if offset > stop || offset+length != stop {
		return fmt.Errorf("archive's directory is at byte %d with %d bytes, expected to end at %d", offset, length, stop)
	}
	return nil
}

// signedManifest checks the manifest's signature and reads it.
func (v *verifier) signedManifest() (Result, string, error) {
	manifest, err := v.read(fileManifest, maxManifest)
	if err != nil {
		return "", "", err
	}
	sig, err := v.read(fileManifestSig, MaxLeaf)
	if err != nil {
		return "", "", err
	}
	own, err := v.read(fileEvidenceKey, maxCheckpoint)
	if err != nil {
		return "", "", err
	}
	if v.pub, err = parsePublicPEM(own); err != nil {
		return "", "", fmt.Errorf("%s: %w", fileEvidenceKey, err)
	}
	payload, err := open(v.pub, sig)
	if err != nil {
		return "", "", fmt.Errorf("%s: %w", fileManifestSig, err)
	}
	want, err := manifestStatement(manifest)
	if err != nil {
		return "", "", err
	}
	if !bytes.Equal(payload, want) {
		return "", "", fmt.Errorf("%s is not the file that %s signs; its SHA-256 is %s", fileManifest, fileManifestSig, hexSHA256(manifest))
	}
	if err := strict(manifest, &v.manifest); err != nil {
		return "", "", fmt.Errorf("read %s: %w", fileManifest, err)
	}
	m := v.manifest
	i := slices.IndexFunc(formats[:], func(f format) bool { return f.name == m.Format })
	if i < 0 || m.Rule != formats[i].period || m.Privacy != formats[i].privacy || !m.From.Before(m.To) {
		return "", "", fmt.Errorf("%s is of format %.60q, expected %q or an earlier one, with its wording and a period",
			fileManifest, m.Format, newestFormat.name)
	}
	v.format = formats[i]
	return Pass, fmt.Sprintf("Ed25519 signature by evidence key %s", keyID(v.pub)), nil
}

// hashes compares every file with the manifest, and the manifest's list with what
// is there, in order.
func (v *verifier) hashes() (Result, string, error) {
	want := slices.Concat(v.manifest.Files, []File{{Path: fileManifest}, {Path: fileManifestSig}})
	for i, f := range want {
		if i >= len(v.zip.File) {
			return "", "", fmt.Errorf("%.120q is in the manifest and missing from the archive", f.Path)
		}
		if got := v.zip.File[i].Name; got != f.Path {
			return "", "", fmt.Errorf("file number %d of the archive is %s, expected %.120q", i+1, got, f.Path)
		}
		sum, err := v.digest(v.zip.File[i])
		if err != nil {
			return "", "", err
		}
		if i >= len(v.manifest.Files) {
			continue // signed, not listed
		}
		if got := int64(v.zip.File[i].UncompressedSize64); got != f.Size {
			return "", "", fmt.Errorf("%s has %d bytes, expected %d", f.Path, got, f.Size)
		}
		if sum != f.SHA256 {
			return "", "", fmt.Errorf("%s has SHA-256 %s, expected %.64s", f.Path, sum, f.SHA256)
		}
	}
	if len(v.zip.File) > len(want) {
		return "", "", fmt.Errorf("%s is in the archive and not in the manifest", v.zip.File[len(want)].Name)
	}
	n := thousands(len(v.manifest.Files))
	return Pass, fmt.Sprintf("%s listed, %s present, %s hashes match", n, n, n), nil
}

// digest hashes a file and checks the archive's own checksum of it.
func (v *verifier) digest(f *zip.File) (string, error) {
	r, err := f.OpenRaw()
	if err != nil {
		return "", fmt.Errorf("read %s: %w", f.Name, err)
	}
	sum, crc := sha256.New(), crc32.NewIEEE()
	if _, err := io.Copy(io.MultiWriter(sum, crc), r); err != nil {
		return "", fmt.Errorf("read %s: %w", f.Name, err)
	}
	if crc.Sum32() != f.CRC32 {
		return "", fmt.Errorf("%s has CRC-32 %08x, the archive says %08x", f.Name, crc.Sum32(), f.CRC32)
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

// bytes writes the archive again from what was verified and compares: no byte of
// it may lie outside the files, where the manifest's hashes do not reach. Other
// readers take names, times and comments from there.
func (v *verifier) bytes() (Result, string, error) {
	same := &sameBytes{with: v.in}
	z := zip.NewWriter(same)
	for _, f := range v.zip.File {
		r, err := f.OpenRaw()
		if err != nil {
			return "", "", fmt.Errorf("read %s: %w", f.Name, err)
		}
		w, err := z.CreateRaw(header(f.Name, f.CRC32, int64(f.UncompressedSize64)))
		if err == nil {
			_, err = io.Copy(w, r)
		}
		if err != nil {
			return "", "", fmt.Errorf("at %s: %w", f.Name, err)
		}
	}
	if err := z.Close(); err != nil {
		return "", "", fmt.Errorf("in the archive's directory: %w", err)
	}
	if same.at != v.size {
		return "", "", fmt.Errorf("archive has %d bytes, expected %d", v.size, same.at) // unreachable: directory checks the end
	}
	return Pass, "the archive is exactly what its files give, to the byte", nil
}
