package io.expertmesh.tornado;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.HalfFloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/**
 * Put what was sent to the device into an array that stays there: {@code range} has where it goes and how many elements
 * there are.
 */
final class CopyKernels {
  static final int THREADS = 64;
  static final int AT = 0;
  static final int COUNT = 1;

  private CopyKernels() {}

  static void floats(KernelContext context, IntArray range, FloatArray sent, FloatArray to) {
    int i = context.globalIdx;
    if (i < range.get(COUNT)) {
      to.set(range.get(AT) + i, sent.get(i));
    }
  }

  static void halves(KernelContext context, IntArray range, HalfFloatArray sent, HalfFloatArray to) {
    int i = context.globalIdx;
    if (i < range.get(COUNT)) {
      to.set(range.get(AT) + i, sent.get(i));
    }
  }

  static void words(KernelContext context, IntArray range, IntArray sent, IntArray to) {
    int i = context.globalIdx;
    if (i < range.get(COUNT)) {
      to.set(range.get(AT) + i, sent.get(i));
    }
  }
}
