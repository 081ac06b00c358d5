// A data race, for mixed_load.py: whoever looks for races has to find this one.
#include <pthread.h>

static int counted;

static void* count(void* unused) {
  for (int i = 0; i < 1000; ++i) ++counted;
  return unused;
}

int main(void) {
  pthread_t one, other;
  if (pthread_create(&one, 0, count, 0) != 0 || pthread_create(&other, 0, count, 0) != 0) return 1;
  pthread_join(one, 0);
  pthread_join(other, 0);
  return 0;
}
