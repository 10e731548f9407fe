// What operating systems name differently: memory in pages of its own, and a process.
#pragma once

#include <cstddef>

namespace poolwise::os {

// Zeroed memory, or null.
void* map(std::size_t bytes);
void unmap(void* start, std::size_t bytes);
// Asks for it; where it is not granted, small pages are slower.
void use_large_pages(void* start, std::size_t bytes);

// The number of this one; a forked process has another.
long long process();

}  // namespace poolwise::os
