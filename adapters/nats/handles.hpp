#pragma once

#include <nats/nats.h>

#include <memory>
#include <string_view>

namespace drainpipe::nats {

// What libnats has made for us, and is given back to it.
template <auto destroy>
struct Destroyer {
    template <typename T>
    void operator()(T* it) const {
        destroy(it);
    }
};

using OptionsHandle = std::unique_ptr<natsOptions, Destroyer<natsOptions_Destroy>>;
using ConnectionHandle = std::unique_ptr<natsConnection, Destroyer<natsConnection_Destroy>>;
using SubscriptionHandle = std::unique_ptr<natsSubscription, Destroyer<natsSubscription_Destroy>>;
using MessageHandle = std::unique_ptr<natsMsg, Destroyer<natsMsg_Destroy>>;

inline std::string_view data_of(const natsMsg* message) {
    return {natsMsg_GetData(message), static_cast<std::size_t>(natsMsg_GetDataLength(message))};
}

}  // namespace drainpipe::nats
