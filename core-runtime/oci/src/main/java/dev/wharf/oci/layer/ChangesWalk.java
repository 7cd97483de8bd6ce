package dev.wharf.oci.layer;

import java.io.IOException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.TreeSet;

/**
 * Walks two trees side by side and tells what makes the second of the first. The directories above a change come before it
 * even where they are as they were, because other engines would else make plain ones.
 */
final class ChangesWalk implements Packer.Walk {
    private static final class Frame {
        final Optional<Dir> before;
        final Dir after;
        final String path;
        final Iterator<String> names;
        /** The directory's own entry, until it has been told. */
        Optional<Packer.Item> own;

        Frame(Optional<Dir> before, Dir after, String path, Optional<Packer.Item> own) throws IOException {
            this.before = before;
            this.after = after;
            this.path = path;
            this.own = own;
            TreeSet<String> all = new TreeSet<>(Names.BY_BYTES);
            if (before.isPresent()) {
                all.addAll(before.get().names());
            }
            all.addAll(after.names());
            this.names = all.iterator();
        }

        void close() {
            before.ifPresent(Dir::close);
            after.close();
        }
    }

    private final Dir before;
    private final Dir after;
    private final Links links = new Links();
    private final Deque<Frame> frames = new ArrayDeque<>();
    private final Deque<Packer.Item> ready = new ArrayDeque<>();
    private boolean begun;

    ChangesWalk(Dir before, Dir after) {
        this.before = before;
        this.after = after;
    }

    @Override
    public Optional<Packer.Item> next() throws IOException {
        if (!begun) {
            begun = true;
            frames.push(new Frame(Optional.of(before), after, "", Optional.empty()));
            if (!Sameness.ofDirectories(before, after)) {
                ready.add(links.item(after, ".", ".", after.look(".").orElseThrow(), after.xattrs(".")));
            }
        }
        while (ready.isEmpty() && !frames.isEmpty()) {
            Frame frame = frames.element();
            if (frame.names.hasNext()) {
                visit(frame, frame.names.next());
            } else {
                frames.pop().close();
            }
        }
        return Optional.ofNullable(ready.poll());
    }

    private void visit(Frame frame, String name) throws IOException {
        if (name.startsWith(Whiteouts.PREFIX)) {
            return;
        }
        Optional<Node> old = frame.before.isPresent() ? frame.before.get().look(name) : Optional.empty();
        Optional<Node> now = frame.after.look(name).filter(node -> !node.isSocket());
        String path = Names.join(frame.path, name);
        if (now.isEmpty()) {
            if (old.isPresent() && !old.get().isSocket()) {
                tell(Packer.Item.of(Entry.marker(Names.join(frame.path, Whiteouts.PREFIX + name))));
            }
            return;
        }
        Node node = now.get();
        boolean same = old.isPresent()
                && frame.before.isPresent()
                && Sameness.of(frame.before.get(), old.get(), frame.after, node, name);
        if (!node.isDirectory()) {
            if (!same) {
                tell(links.item(frame.after, name, path, node, frame.after.xattrs(name)));
            }
            return;
        }
        Packer.Item own = links.item(frame.after, name, path, node, frame.after.xattrs(name));
        if (!same) {
            tell(own);
        }
        descend(
                frame,
                name,
                path,
                old.filter(Node::isDirectory).isPresent(),
                same ? Optional.of(own) : Optional.empty());
    }

    private void descend(Frame frame, String name, String path, boolean wasDirectory, Optional<Packer.Item> own)
            throws IOException {
        if (frames.size() >= TreeWalk.DEEPEST) {
            throw new IOException("\"" + Names.show(path) + "\" lies too deep to be packed");
        }
        Optional<Dir> deeperBefore = wasDirectory && frame.before.isPresent()
                ? Optional.of(frame.before.get().enter(name))
                : Optional.empty();
        frames.push(new Frame(deeperBefore, frame.after.enter(name), path, own));
    }

    private void tell(Packer.Item item) {
        List<Packer.Item> above = new ArrayList<>();
        for (Iterator<Frame> from = frames.descendingIterator(); from.hasNext(); ) {
            Frame frame = from.next();
            frame.own.ifPresent(above::add);
            frame.own = Optional.empty();
        }
        ready.addAll(above);
        ready.add(item);
    }

    @Override
    public void close() {
        frames.forEach(Frame::close);
        frames.clear();
        before.close();
        after.close();
    }
}
