/* SPDX-License-Identifier: Apache-2.0
 *
 * The instructions of a Cortex-M0+ that touch nothing but registers, memory, the divider and the
 * locks of the SIO and the time, with the cycles that rp2040py counts for them. It stops before
 * every other one: access to a peripheral, exception return, SVC, WFI, WFE, BKPT, MRS and MSR but
 * of PRIMASK; and after one that lets a pending interrupt in.
 * ARMv6-M ARM, A6.7; RP2040 datasheet, 2.3.1 and 4.6.
 */
#include <stdint.h>
#include <string.h>

struct machine {
    uint32_t *r;                 /* r0..r15; r15 is the next instruction */
    uint8_t *flash, *ram, *rom, *usb;
    uint32_t flash_size, ram_size, rom_size, usb_size;
    uint32_t n, z, c, v;
    uint32_t handler;            /* in an exception */
    uint32_t primask, pending;   /* pending: an interrupt waits for PRIMASK */
    uint32_t event, let_in;      /* SEV was executed; PRIMASK was written while one waits */
    uint32_t dividend, divisor, quotient, remainder, csr, locks;
    double nanos;                /* of the timer, when `run` begins */
    int64_t done;                /* cycles since then */
};

#define FLASH 0x10000000u
#define RAM 0x20000000u
#define SIO 0xD0000000u
#define USB 0x50100000u
#define TIMER_RAW 0x40054024u    /* high word, low word */
#define PRIMASK 16

static inline uint8_t *readable(struct machine *m, uint32_t at, uint32_t size)
{
    if (at - RAM < m->ram_size && at - RAM + size <= m->ram_size)
        return m->ram + (at - RAM);
    if (at - FLASH < m->flash_size && at - FLASH + size <= m->flash_size)
        return m->flash + (at - FLASH);
    if (at < m->rom_size && at + size <= m->rom_size)
        return m->rom + at;
    if (at - USB < m->usb_size && at - USB + size <= m->usb_size)
        return m->usb + (at - USB);
    return 0;
}

static inline uint8_t *writable(struct machine *m, uint32_t at, uint32_t size)
{
    if (at - RAM < m->ram_size && at - RAM + size <= m->ram_size)
        return m->ram + (at - RAM);
    return 0;
}

static inline uint32_t get32(const uint8_t *p) { uint32_t x; memcpy(&x, p, 4); return x; }
static inline uint32_t get16(const uint8_t *p) { uint16_t x; memcpy(&x, p, 2); return x; }
static inline void put32(uint8_t *p, uint32_t x) { memcpy(p, &x, 4); }
static inline void put16(uint8_t *p, uint32_t x) { uint16_t y = x; memcpy(p, &y, 2); }

static inline uint32_t bits(struct machine *m, uint32_t x)
{
    m->n = x >> 31;
    m->z = x == 0;
    return x;
}

static inline uint32_t add(struct machine *m, uint32_t a, uint32_t b, uint32_t carry)
{
    uint64_t sum = (uint64_t)a + b + carry;
    uint32_t x = bits(m, (uint32_t)sum);
    m->c = sum >> 32 != 0;
    m->v = (~(a ^ b) & (a ^ x)) >> 31;
    return x;
}

static inline int holds(struct machine *m, uint32_t condition)
{
    int yes = 1;
    switch (condition >> 1) {
    case 0: yes = m->z; break;
    case 1: yes = m->c; break;
    case 2: yes = m->n; break;
    case 3: yes = m->v; break;
    case 4: yes = m->c && !m->z; break;
    case 5: yes = m->n == m->v; break;
    case 6: yes = m->n == m->v && !m->z; break;
    }
    return condition & 1 ? !yes : yes;
}

/* 01000: data processing between low registers. */
static inline void process(struct machine *m, uint32_t op)
{
    uint32_t *d = &m->r[op & 7], a = *d, b = m->r[op >> 3 & 7], n = b & 255, x;
    switch (op >> 6 & 15) {
    case 0: *d = bits(m, a & b); break;
    case 1: *d = bits(m, a ^ b); break;
    case 2:
        if (n)
            m->c = n <= 32 ? a >> (32 - n) & 1 : 0;
        *d = bits(m, n < 32 ? a << n : 0);
        break;
    case 3:
        if (n)
            m->c = n <= 32 ? a >> (n - 1) & 1 : 0;
        *d = bits(m, n < 32 ? a >> n : 0);
        break;
    case 4:
        if (n)
            m->c = n <= 32 ? a >> (n - 1) & 1 : a >> 31;
        *d = bits(m, (uint32_t)((int32_t)a >> (n < 32 ? n : 31)));
        break;
    case 5: *d = add(m, a, b, m->c); break;
    case 6: *d = add(m, a, ~b, m->c); break;
    case 7:
        x = n & 31 ? a >> (n & 31) | a << (32 - (n & 31)) : a;
        if (n)
            m->c = x >> 31;
        *d = bits(m, x);
        break;
    case 8: bits(m, a & b); break;
    case 9: *d = add(m, ~b, 0, 1); break;
    case 10: add(m, a, ~b, 1); break;
    case 11: add(m, a, b, 0); break;
    case 12: *d = bits(m, a | b); break;
    case 13: *d = bits(m, a * b); break;
    case 14: *d = bits(m, a & ~b); break;
    case 15: *d = bits(m, ~b); break;
    }
}

/* Shifts by a constant, add and subtract of three operands. */
static inline void shift(struct machine *m, uint32_t op)
{
    uint32_t a = m->r[op >> 3 & 7], n = op >> 6 & 31, *d = &m->r[op & 7], b;
    switch (op >> 11) {
    case 0:
        if (n)
            m->c = a >> (32 - n) & 1;
        *d = bits(m, a << n);
        break;
    case 1:
        m->c = a >> (n ? n - 1 : 31) & 1;
        *d = bits(m, n ? a >> n : 0);
        break;
    case 2:
        m->c = a >> (n ? n - 1 : 31) & 1;
        *d = bits(m, (uint32_t)((int32_t)a >> (n ? n : 31)));
        break;
    default:
        b = op & 0x400 ? n & 7 : m->r[n & 7];
        *d = op & 0x200 ? add(m, a, ~b, 1) : add(m, a, b, 0);
    }
}

static void divide(struct machine *m, int is_signed)
{
    int32_t a = (int32_t)m->dividend, b = (int32_t)m->divisor;
    m->csr = 3;
    m->remainder = m->dividend;
    if (!b)
        m->quotient = is_signed && a < 0 ? 1 : ~0u;
    else if (is_signed) {
        m->quotient = (uint32_t)((int64_t)a / b);
        m->remainder = (uint32_t)((int64_t)a % b);
    } else {
        m->quotient = m->dividend / m->divisor;
        m->remainder = m->dividend % m->divisor;
    }
}

/* A word of divider and locks, or the number of this core; 0 when it is something else. */
static int sio(struct machine *m, int load, uint32_t *x, uint32_t at)
{
    uint32_t lock = 1u << (at >> 2 & 31);
    if (at >= 0x100) {
        if (!load)
            m->locks &= ~lock;
        else {
            *x = m->locks & lock ? 0 : lock;
            m->locks |= lock;
        }
        return 1;
    }
    if (!load)
        switch (at) {
        case 0x60: case 0x68: m->dividend = *x; divide(m, at == 0x68); return 1;
        case 0x64: case 0x6C: m->divisor = *x; divide(m, at == 0x6C); return 1;
        case 0x70: m->quotient = *x; m->csr = 3; return 1;
        case 0x74: m->remainder = *x; m->csr = 3; return 1;
        default: return 0;
        }
    switch (at) {
    case 0: *x = 0; return 1;
    case 0x5C: *x = m->locks; return 1;
    case 0x60: case 0x68: *x = m->dividend; return 1;
    case 0x64: case 0x6C: *x = m->divisor; return 1;
    case 0x70: *x = m->quotient; m->csr &= 1; return 1;
    case 0x74: *x = m->remainder; return 1;
    case 0x78: *x = m->csr; return 1;
    }
    return 0;
}

/* One load or store at `at`; 0 when it is not for us. kind: opcode bits 9 to 11. */
static inline int move(struct machine *m, uint32_t kind, uint32_t t, uint32_t at)
{
    static const uint8_t sizes[8] = {4, 2, 1, 1, 4, 2, 1, 2};
    uint32_t size = sizes[kind];
    uint8_t *p;
    if (at & (size - 1))
        return 0;
    p = kind < 3 ? writable(m, at, size) : readable(m, at, size);
    if (!p && (kind & 3) == 0) {
        if (at - SIO < 0x180)
            return sio(m, kind == 4, &m->r[t], at - SIO);
        if (kind == 4 && at - TIMER_RAW < 8) {
            uint64_t micros = (uint64_t)((m->nanos + (double)m->done * 8) / 1000);
            m->r[t] = (uint32_t)(at == TIMER_RAW ? micros >> 32 : micros);
            return 4;
        }
    }
    if (!p)
        return 0;
    switch (kind) {
    case 0: put32(p, m->r[t]); break;
    case 1: put16(p, m->r[t]); break;
    case 2: *p = (uint8_t)m->r[t]; break;
    case 3: m->r[t] = (uint32_t)(int32_t)(int8_t)*p; break;
    case 4: m->r[t] = get32(p); break;
    case 5: m->r[t] = get16(p); break;
    case 6: m->r[t] = *p; break;
    case 7: m->r[t] = (uint32_t)(int32_t)(int16_t)get16(p); break;
    }
    return 2;
}

static inline uint32_t count(uint32_t list) { return (uint32_t)__builtin_popcount(list); }

static int mask(struct machine *m, uint32_t level)
{
    m->primask = level;
    m->let_in = m->pending;
    return 1;
}

/* The other 16-bit instructions; cycles, or 0 for one that is not for us. */
static int other(struct machine *m, uint32_t op, uint32_t pc)
{
    uint32_t *r = m->r, list = op & 255, i, at, x, d;
    uint8_t *p;
    switch (op >> 8) {
    case 0x44:                                          /* ADD, high registers */
        d = (op >> 4 & 8) | (op & 7);
        i = op >> 3 & 15;
        if (d == 15)
            return 0;
        x = r[d] + (i == 15 ? pc + 4 : r[i]);
        r[d] = d == 13 ? x & ~3u : x;
        return 1;
    case 0x45:                                          /* CMP, high registers */
        d = (op >> 4 & 8) | (op & 7);
        i = op >> 3 & 15;
        if (d == 15 || i == 15)
            return 0;
        add(m, r[d], ~r[i], 1);
        return 1;
    case 0x46:                                          /* MOV, high registers */
        d = (op >> 4 & 8) | (op & 7);
        i = op >> 3 & 15;
        x = i == 15 ? pc + 4 : r[i];
        r[d] = d == 15 ? x & ~1u : d == 13 ? x & ~3u : x;
        return d == 15 ? 2 : 1;
    case 0x47:                                          /* BX, BLX */
        x = r[op >> 3 & 15];
        if (op & 7 || (op >> 3 & 15) == 15 || (!(op & 0x80) && m->handler && x >> 28 == 15))
            return 0;
        if (op & 0x80)
            r[14] = (pc + 2) | 1;
        r[15] = x & ~1u;
        return 2;
    case 0xB0:                                          /* ADD, SUB of SP */
        x = (op & 127) << 2;
        r[13] = (op & 0x80 ? r[13] - x : r[13] + x) & ~3u;
        return 1;
    case 0xB2:
        x = r[op >> 3 & 7];
        switch (op >> 6 & 3) {
        case 0: x = (uint32_t)(int32_t)(int16_t)x; break;
        case 1: x = (uint32_t)(int32_t)(int8_t)x; break;
        case 2: x &= 0xFFFF; break;
        case 3: x &= 0xFF; break;
        }
        r[op & 7] = x;
        return 1;
    case 0xB4: case 0xB5:                               /* PUSH */
        at = r[13] - 4 * count(op & 0x1FF);
        p = writable(m, at, 4 * count(op & 0x1FF));
        if (!p || at & 3)
            return 0;
        for (i = 0; i < 8; i++)
            if (op >> i & 1)
                put32(p, r[i]), p += 4;
        if (op & 0x100)
            put32(p, r[14]);
        r[13] = at;
        return 1 + (int)count(list);
    case 0xBA:
        x = r[op >> 3 & 7];
        switch (op >> 6 & 3) {
        case 0: x = __builtin_bswap32(x); break;
        case 1: x = (x & 0xFF00FF) << 8 | (x >> 8 & 0xFF00FF); break;
        case 3: x = (uint32_t)(int32_t)(int16_t)__builtin_bswap16((uint16_t)x); break;
        default: return 0;
        }
        r[op & 7] = x;
        return 1;
    case 0xBC: case 0xBD:                               /* POP */
        p = readable(m, r[13], 4 * count(op & 0x1FF));
        if (!p || r[13] & 3)
            return 0;
        if (op & 0x100 && m->handler && p[4 * count(list) + 3] >> 4 == 15)
            return 0;
        at = r[13] + 4 * count(op & 0x1FF);
        for (i = 0; i < 8; i++)
            if (op >> i & 1)
                r[i] = get32(p), p += 4;
        r[13] = at;
        if (op & 0x100)
            r[15] = get32(p) & ~1u;
        return 1 + (int)count(list) + (op & 0x100 ? 2 : 0);
    }
    if (op == 0xBF00)                                   /* NOP */
        return 1;
    if (op == 0xBF40)                                   /* SEV */
        return m->event = 1;
    if (op == 0xB662)                                   /* CPSIE i */
        return mask(m, 0);
    if (op == 0xB672)                                   /* CPSID i */
        return m->primask = 1;
    if (op >> 12 == 12) {                               /* LDM, STM */
        d = op >> 8 & 7;
        at = r[d];
        p = op & 0x800 ? readable(m, at, 4 * count(list)) : writable(m, at, 4 * count(list));
        if (!p || at & 3 || !list)
            return 0;
        for (i = 0; i < 8; i++)
            if (op >> i & 1) {
                if (op & 0x800)
                    r[i] = get32(p);
                else
                    put32(p, r[i]);
                p += 4;
            }
        if (!(op >> d & 1))
            r[d] = at + 4 * count(list);
        return 1 + (int)count(list);
    }
    return 0;
}

/* 32-bit instructions: BL, the barriers, MRS and MSR of PRIMASK. */
static int wide(struct machine *m, uint32_t op, uint32_t op2, uint32_t pc)
{
    uint32_t s = op >> 10 & 1, offset;
    if (op >> 11 == 30 && (op2 & 0xD000) == 0xD000) {
        offset = (s ? 0xFF000000u : 0) | (1 ^ s ^ (op2 >> 13 & 1)) << 23
            | (1 ^ s ^ (op2 >> 11 & 1)) << 22 | (op & 0x3FF) << 12 | (op2 & 0x7FF) << 1;
        m->r[14] = (pc + 4) | 1;
        m->r[15] = pc + 4 + offset;
        return 3;
    }
    if ((op & 0xFFF0) == 0xF380 && op2 == (0x8800 | PRIMASK)) {
        m->r[15] = pc + 4;
        mask(m, m->r[op & 15] & 1);
        return 3;
    }
    if (op == 0xF3EF && (op2 & 0xF0FF) == (0x8000 | PRIMASK)) {
        m->r[15] = pc + 4;
        m->r[op2 >> 8 & 15] = m->primask;
        return 3;
    }
    if (op == 0xF3BF && op2 >= 0x8F40 && op2 < 0x8F70) {
        m->r[15] = pc + 4;
        return 3;
    }
    return 0;
}

/* One instruction; cycles, or 0 with nothing changed. r15 is already past its first half. */
static inline int step(struct machine *m, uint32_t op, const uint8_t *code, uint32_t pc)
{
    uint32_t *r = m->r, *d = &r[op >> 8 & 7], x;
    switch (op >> 11) {
    case 0: case 1: case 2: case 3:
        shift(m, op);
        return 1;
    case 4: *d = bits(m, op & 255); return 1;
    case 5: add(m, *d, ~(op & 255), 1); return 1;
    case 6: *d = add(m, *d, op & 255, 0); return 1;
    case 7: *d = add(m, *d, ~(op & 255), 1); return 1;
    case 8:
        if (op >> 10 == 16) {
            process(m, op);
            return 1;
        }
        return other(m, op, pc);
    case 9: return move(m, 4, op >> 8 & 7, ((pc + 4) & ~3u) + ((op & 255) << 2));
    case 10: case 11:
        return move(m, op >> 9 & 7, op & 7, r[op >> 3 & 7] + r[op >> 6 & 7]);
    case 12: return move(m, 0, op & 7, r[op >> 3 & 7] + ((op >> 6 & 31) << 2));
    case 13: return move(m, 4, op & 7, r[op >> 3 & 7] + ((op >> 6 & 31) << 2));
    case 14: return move(m, 2, op & 7, r[op >> 3 & 7] + (op >> 6 & 31));
    case 15: return move(m, 6, op & 7, r[op >> 3 & 7] + (op >> 6 & 31));
    case 16: return move(m, 1, op & 7, r[op >> 3 & 7] + ((op >> 6 & 31) << 1));
    case 17: return move(m, 5, op & 7, r[op >> 3 & 7] + ((op >> 6 & 31) << 1));
    case 18: return move(m, 0, op >> 8 & 7, r[13] + ((op & 255) << 2));
    case 19: return move(m, 4, op >> 8 & 7, r[13] + ((op & 255) << 2));
    case 20: *d = ((pc + 4) & ~3u) + ((op & 255) << 2); return 1;
    case 21: *d = r[13] + ((op & 255) << 2); return 1;
    case 26: case 27:
        x = op >> 8 & 15;
        if (x >= 14)
            return 0;
        if (!holds(m, x))
            return 1;
        r[15] = pc + 4 + (uint32_t)((int32_t)(int8_t)(op & 255) * 2);
        return 2;
    case 28:
        x = (op & 0x7FF) << 1;
        r[15] = pc + 4 + (x & 0x800 ? x - 0x1000 : x);
        return 2;
    case 29: case 31: return 0;
    case 30: return wide(m, op, get16(code + 2), pc);
    default: return other(m, op, pc);
    }
}

/* Run until `cycles` have gone by or an instruction is not for us; the cycles that went by. */
int64_t run(struct machine *m, int64_t cycles)
{
    m->event = m->let_in = 0;
    for (m->done = 0; m->done < cycles && !m->let_in;) {
        uint32_t pc = m->r[15] & ~1u;
        const uint8_t *code = readable(m, pc, 4);
        int took;
        if (!code)
            break;
        m->r[15] = pc + 2;
        took = step(m, get16(code), code, pc);
        if (!took) {
            m->r[15] = pc;
            break;
        }
        m->done += took;
    }
    return m->done;
}
