"""The operations of an integer program as C99 functions, without allocation, floats or libraries.

`@` stands for the prefix of all names. Shifts to the right of negative numbers, which C leaves to the compiler, are
written so that every compiler rounds downwards.
"""

WEIGHT = """
/* Weight `index` of a stream of codes of 1, 2, 4, 8 or 16 bits, low bits first; 1 bit means -1 or 1. */
static int32_t @_weight(const uint8_t *weights, uint32_t index, int32_t bits)
{
    int32_t code;
    if (bits == 8) {
        code = weights[index];
    } else if (bits == 16) {
        code = weights[2 * index] | (int32_t)weights[2 * index + 1] << 8;
    } else {
        uint32_t per_byte = 8u / (uint32_t)bits;
        code = weights[index / per_byte] >> (index % per_byte * (uint32_t)bits) & ((1 << bits) - 1);
        if (bits == 1) return code ? 1 : -1;
    }
    return code < 1 << (bits - 1) ? code : code - (1 << bits);
}
"""

_SHIFTED = """
/* x / 2^places, rounded downwards. */
static int64_t @_shifted(int64_t x, int32_t places)
{
    return x >= 0 ? x >> places : ~(~x >> places);
}
"""

_LIFTED = """
    int64_t lifted = (int64_t)x * ((int64_t)1 << (shift > 0 ? shift : 0));
    int32_t right = shift < 0 ? -shift : 0;
    if (lifted > INT32_MAX) lifted = INT32_MAX;
    if (lifted < INT32_MIN) lifted = INT32_MIN;
"""

_SINGLE = (
    """
/* x * multiplier * 2^(shift - 31), rounded once, ties upwards. */
static int64_t @_multiply(int32_t x, int32_t multiplier, int32_t shift)
{"""
    + _LIFTED
    + """    right = right > 31 ? 31 : right;
    return @_shifted(lifted * multiplier + ((int64_t)1 << (30 + right)), 31 + right);
}
"""
)

_DOUBLE = (
    """
/* x * multiplier * 2^(shift - 31), rounded twice: ties upwards, then ties away from zero. */
static int64_t @_multiply(int32_t x, int32_t multiplier, int32_t shift)
{"""
    + _LIFTED
    + """    int64_t high = @_shifted(lifted * multiplier + ((int64_t)1 << 30), 31);
    int64_t half = ((int64_t)1 << right) >> 1;
    return @_shifted(high + half - (high < 0 && right > 0), right);
}
"""
)

_FINISHED = """
static @_code @_finished(int32_t sum, int32_t multiplier, int32_t shift, int32_t zero, int32_t low, int32_t high)
{
    int64_t code = @_multiply(sum, multiplier, shift) + zero;
    return (@_code)(code < low ? low : code > high ? high : code);
}
"""

MULTIPLY = {"single": _SHIFTED + _SINGLE + _FINISHED, "double": _SHIFTED + _DOUBLE + _FINISHED}

# s: 0 h, 1 w, 2 c, 3 rows, 4 columns, 5 channels, 6 window rows, 7 window columns, 8 row stride, 9 column stride,
# 10 row dilation, 11 column dilation, 12 top, 13 left, 14 groups, 15 bits, 16 zero in, 17 zero out, 18 low, 19 high,
# 20 whether factors are one a channel.
CONVOLUTION = """
static void @_conv2d(const @_code *x, @_code *y, const int32_t *s, const uint8_t *weights, const int32_t *bias,
                     const int32_t *headroom, const int32_t *multiplier, const int32_t *shift)
{
    int32_t inputs = s[2] / s[14], outputs = s[5] / s[14];
    for (int32_t row = 0; row < s[3]; ++row)
    for (int32_t column = 0; column < s[4]; ++column)
    for (int32_t channel = 0; channel < s[5]; ++channel) {
        int32_t sum = 0, first = channel / outputs * inputs;
        for (int32_t i = 0; i < s[6]; ++i) {
            int32_t at_row = row * s[8] + i * s[10] - s[12];
            if (at_row < 0 || at_row >= s[0]) continue;
            for (int32_t j = 0; j < s[7]; ++j) {
                int32_t at_column = column * s[9] + j * s[11] - s[13];
                if (at_column < 0 || at_column >= s[1]) continue;
                const @_code *place = x + (at_row * s[1] + at_column) * s[2] + first;
                uint32_t weight = (uint32_t)((i * s[7] + j) * inputs * s[5] + channel);
                for (int32_t c = 0; c < inputs; ++c, weight += (uint32_t)s[5])
                    sum += ((int32_t)place[c] - s[16]) * @_weight(weights, weight, s[15]);
            }
        }
        sum = sum * ((int32_t)1 << headroom[channel]) + bias[channel];
        int32_t factor = s[20] ? channel : 0;
        *y++ = @_finished(sum, multiplier[factor], shift[factor], s[17], s[18], s[19]);
    }
}
"""

# s: 0 h, 1 w, 2 c, 3 rows, 4 columns, 5 window rows, 6 window columns, 7 row stride, 8 column stride, 9 top, 10 left,
# 11 zero in, 12 zero out, 13 low, 14 high, 15 whether factors are one a place.
AVERAGE_POOL = """
static void @_average_pool(const @_code *x, @_code *y, const int32_t *s, const int32_t *multiplier,
                           const int32_t *shift)
{
    for (int32_t row = 0; row < s[3]; ++row)
    for (int32_t column = 0; column < s[4]; ++column)
    for (int32_t channel = 0; channel < s[2]; ++channel) {
        int32_t sum = 0, factor = s[15] ? row * s[4] + column : 0;
        for (int32_t i = row * s[7] - s[9]; i < row * s[7] - s[9] + s[5]; ++i)
        for (int32_t j = column * s[8] - s[10]; j < column * s[8] - s[10] + s[6]; ++j)
            if (i >= 0 && i < s[0] && j >= 0 && j < s[1]) sum += x[(i * s[1] + j) * s[2] + channel] - s[11];
        *y++ = @_finished(sum, multiplier[factor], shift[factor], s[12], s[13], s[14]);
    }
}
"""

# s: as for average_pool, to 10.
MAX_POOL = """
static void @_max_pool(const @_code *x, @_code *y, const int32_t *s, @_code lowest)
{
    for (int32_t row = 0; row < s[3]; ++row)
    for (int32_t column = 0; column < s[4]; ++column)
    for (int32_t channel = 0; channel < s[2]; ++channel) {
        @_code largest = lowest;
        for (int32_t i = row * s[7] - s[9]; i < row * s[7] - s[9] + s[5]; ++i)
        for (int32_t j = column * s[8] - s[10]; j < column * s[8] - s[10] + s[6]; ++j) {
            if (i < 0 || i >= s[0] || j < 0 || j >= s[1]) continue;
            if (x[(i * s[1] + j) * s[2] + channel] > largest) largest = x[(i * s[1] + j) * s[2] + channel];
        }
        *y++ = largest;
    }
}
"""

# s: 0 numbers, 1 and 2 zeros in, 3 zero out, 4 low, 5 high, 6 left shift; factors of the two, then of the sum.
ADD = """
static void @_add(const @_code *a, const @_code *b, @_code *y, const int32_t *s, const int32_t *multiplier,
                  const int32_t *shift)
{
    for (int32_t i = 0; i < s[0]; ++i) {
        int64_t first = @_multiply((a[i] - s[1]) * ((int32_t)1 << s[6]), multiplier[0], shift[0]);
        int64_t second = @_multiply((b[i] - s[2]) * ((int32_t)1 << s[6]), multiplier[1], shift[1]);
        y[i] = @_finished((int32_t)(first + second), multiplier[2], shift[2], s[3], s[4], s[5]);
    }
}
"""

# s: 0 numbers, 1 zero in, 2 zero out, 3 low, 4 high.
REQUANTIZE = """
static void @_requantize(const @_code *x, @_code *y, const int32_t *s, const int32_t *multiplier,
                         const int32_t *shift)
{
    for (int32_t i = 0; i < s[0]; ++i)
        y[i] = @_finished(x[i] - s[1], multiplier[0], shift[0], s[2], s[3], s[4]);
}
"""

# s: 0 parts before the axis, 1 numbers of a part of x, 2 numbers of a part of y, 3 where x begins in it.
CONCATENATE = """
static void @_concatenate(const @_code *x, @_code *y, const int32_t *s)
{
    for (int32_t part = 0; part < s[0]; ++part)
        for (int32_t i = 0; i < s[1]; ++i) y[part * s[2] + s[3] + i] = x[part * s[1] + i];
}
"""

# s: 0 h, 1 w, 2 c, 3 rows, 4 columns, 5 channels, 6 rows before, 7 columns before, 8 channels before.
PAD = """
static void @_pad(const @_code *x, @_code *y, const int32_t *s, @_code zero)
{
    for (int32_t i = 0; i < s[3] * s[4] * s[5]; ++i) y[i] = zero;
    for (int32_t row = 0; row < s[0]; ++row)
    for (int32_t column = 0; column < s[1]; ++column)
    for (int32_t c = 0; c < s[2]; ++c)
        y[((row + s[6]) * s[4] + column + s[7]) * s[5] + c + s[8]] = x[(row * s[1] + column) * s[2] + c];
}
"""
