// Everything that users may call.
#pragma once
#include <coelect/clock.hpp>
#include <coelect/elector.hpp>
#include <coelect/environment.hpp>
#include <coelect/error.hpp>
#include <coelect/etcd_store.hpp>
#include <coelect/fence.hpp>
#include <coelect/file_store.hpp>
#include <coelect/lead.hpp>
#include <coelect/leadership.hpp>
#include <coelect/leadership_signal.hpp>
#include <coelect/log.hpp>
#include <coelect/memory_store.hpp>
#include <coelect/open_store.hpp>
#include <coelect/store.hpp>
#include <coelect/term_end.hpp>
#include <coelect/timing.hpp>
