#pragma once
// A value that most objects do not have, kept on the heap: the size of a pointer where there is none. Copies are deep, and two are
// equal if both are empty or what they hold is. One thread, as any value.
#include <memory>

namespace steelyard::kube {

template <class T>
class Boxed {
public:
    Boxed() = default;
    Boxed(const Boxed& other) : value_(other.value_ ? std::make_unique<T>(*other.value_) : nullptr) {}
    Boxed(Boxed&&) noexcept = default;
    Boxed& operator=(const Boxed& other) {
        if (this != &other) value_ = other.value_ ? std::make_unique<T>(*other.value_) : nullptr;
        return *this;
    }
    Boxed& operator=(Boxed&&) noexcept = default;
    ~Boxed() = default;

    explicit operator bool() const { return value_ != nullptr; }
    const T* operator->() const { return value_.get(); }
    T* operator->() { return value_.get(); }
    const T& operator*() const { return *value_; }
    T& make() {  // what is there, or a new one
        if (!value_) value_ = std::make_unique<T>();
        return *value_;
    }
    void reset() { value_.reset(); }

    friend bool operator==(const Boxed& a, const Boxed& b) {
        return a.value_ && b.value_ ? *a.value_ == *b.value_ : !a.value_ && !b.value_;
    }

private:
    std::unique_ptr<T> value_;
};

}  // namespace steelyard::kube
