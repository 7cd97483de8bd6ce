package dev.wharf.log.codec;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonFactoryBuilder;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.ObjectCodec;
import com.fasterxml.jackson.core.io.IOContext;
import com.fasterxml.jackson.core.json.UTF8StreamJsonParser;
import com.fasterxml.jackson.core.sym.ByteQuadsCanonicalizer;
import java.io.IOException;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * A parser of JSON that leaps over what it is shown to know. A journal says the same over and over: who asked, by which
 * container, and how such containers are made. Comparing bytes costs a small part of taking them apart, and whoever knows the
 * text knows what it means.
 */
final class LeapingParser extends UTF8StreamJsonParser {
    private static final VarHandle LONGS = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);

    /** Of an identifier these bytes differ from those of others; before them may stand the name of an algorithm. */
    private static final int TELLING = 8;

    /** What is longer is remembered by nobody, for it would be kept as long as the agent runs. */
    private static final int MOST_BYTES = 16 << 10;

    private LeapingParser(
            IOContext context,
            int features,
            ObjectCodec codec,
            ByteQuadsCanonicalizer names,
            byte[] text,
            int from,
            int to) {
        super(context, features, null, codec, names, text, from, to, 0, false);
    }

    /** Makes such parsers of bytes, which must be UTF-8. */
    static final class Factory extends JsonFactory {
        private static final long serialVersionUID = 1L;

        Factory(JsonFactoryBuilder settings) {
            super(settings);
        }

        @Override
        protected JsonParser _createParser(byte[] data, int offset, int length, IOContext context) {
            return new LeapingParser(
                    context,
                    _parserFeatures,
                    _objectCodec,
                    _byteSymbolCanonicalizer.makeChildOrPlaceholder(_factoryFeatures),
                    data,
                    offset,
                    offset + length);
        }
    }

    /** Texts of plain ASCII, which nearly all are, are made of the bytes at once. */
    @Override
    public String getText() throws IOException {
        if (_currToken != JsonToken.VALUE_STRING || !_tokenIncomplete) {
            return super.getText();
        }
        int end = _inputPtr;
        while (end < _inputEnd && isPlain(_inputBuffer[end])) {
            end++;
        }
        if (end == _inputEnd || _inputBuffer[end] != '"') {
            return super.getText();
        }
        String text = new String(_inputBuffer, _inputPtr, end - _inputPtr, StandardCharsets.ISO_8859_1);
        _textBuffer.resetWithString(text);
        _tokenIncomplete = false;
        _inputPtr = end + 1;
        return text;
    }

    private static boolean isPlain(byte one) {
        return one >= ' ' && one != '"' && one != '\\';
    }

    /** A piece of JSON that was read, where it stands, and what it means. */
    record Known(byte[] bytes, int from, int to, Object value) {}

    /** Whether what is read now may be remembered. */
    boolean isMemorable() {
        return _inputBuffer.length <= MOST_BYTES;
    }

    /** Where the object or list that the current token opens begins. */
    int begin() {
        return _inputPtr - 1;
    }

    /** What was read since {@code begin} and means {@code value}. */
    Known since(int begin, Object value) {
        return new Known(_inputBuffer, begin, _inputPtr, value);
    }

    /**
     * Goes on at the end of the object that the current token opens if it is written just as {@code known} is. Since that is a
     * whole object, nothing else can begin with it.
     */
    boolean leapObject(Known known) {
        int begin = begin();
        if (!isNext(known, begin)) {
            return false;
        }
        _inputPtr = begin + known.to() - known.from();
        _parsingContext = _parsingContext.clearAndGetParent();
        _currToken = JsonToken.END_OBJECT;
        return true;
    }

    /** A number that differs from identifier to identifier, of the text that is the current token; -1 where it is too short. */
    int telling() {
        return _tokenIncomplete && _inputPtr + 2 * TELLING < _inputEnd
                ? (int) ((long) LONGS.get(_inputBuffer, _inputPtr + TELLING) * 0x9E3779B97F4A7C15L >>> 33)
                : -1;
    }

    /** Goes on at the end of the text that is the current token if it is {@code known}, which ends with its quote. */
    boolean leapText(Known known) {
        if (!isNext(known, _inputPtr)) {
            return false;
        }
        _inputPtr += known.to() - known.from();
        _tokenIncomplete = false;
        return true;
    }

    private boolean isNext(Known known, int at) {
        int end = at + known.to() - known.from();
        return end <= _inputEnd && Arrays.equals(_inputBuffer, at, end, known.bytes(), known.from(), known.to());
    }
}
